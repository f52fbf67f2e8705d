import Foundation
import HeadKV
import HeadKVTestSupport
import Testing

extension ToolTests {
  /// What goes wrong outside the program ends it with one line and exit code 1, and no half file.
  @Suite(.serialized) struct FaultTests {
    private func isLine(_ run: Tool, _ part: String) -> Bool {
      run.errors.hasSuffix("\n") && !run.errors.dropLast().contains("\n")
        && run.errors.contains(part)
    }

    @Test func fullDevice() throws {
      let folder = try Scratch()
      let full = try Tool(["-q", "-o", "/dev/full"], in: folder)
      #expect(full.code == 1 && isLine(full, "/dev/full: write failed: No space left on device"))
      var status = stat()
      #expect(stat("/dev/full", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
      let answer = try Tool(["policies", "--json"], in: folder, limits: "exec >/dev/full")
      #expect(answer.code == 1 && isLine(answer, "standard output: write failed: No space left"))
      #expect(try folder.files == [])
    }

    /// A picture that is too large for the limit is not there; those that were finished are whole.
    @Test(.disabled(if: Sanitizer.ofThreads, "the sanitizer maps a file that it writes"))
    func limitedFiles() throws {
      let folder = try Scratch()
      for path in ["p%d.png", "sheet.png"] {
        let run = try Tool(
          ["-q", "--count", "2", "-o", path, "--tokens-out", "t.safetensors"], in: folder,
          limits: "ulimit -f 2")
        #expect(run.code == 1 && isLine(run, "write failed: File too large"))
      }
      let all = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      for name in all { _ = try PNG.read(folder.file(name)) }
      let packed = try Tool(
        ["pack", "--precision", "bf16", "-o", "m.headkv"], in: folder, limits: "ulimit -f 1000")
      #expect(packed.code == 1 && isLine(packed, "m.headkv: write failed: File too large"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == all)
    }

    /// The root user may write where the bits of a folder forbid it, but not everywhere.
    @Test func readOnlyFolder() throws {
      let folder = try Scratch()
      let run = try Tool(["-q", "-o", "/proc/headkv.png"], in: folder)
      #expect(run.code == 1 && isLine(run, "/proc/headkv.png"))
      guard geteuid() != 0 else { return }
      chmod(folder.path, 0o555)
      let refused = try Tool(["-q", "-o", "p.png"], in: folder)
      #expect(refused.code == 1 && isLine(refused, "p.png: the folder is not writable"))
      chmod(folder.path, 0o755)
    }

    @Test func devicesAndLinksAreWrittenTo() throws {
      let folder = try Scratch()
      let device = try Tool(["-q", "-o", "/dev/null"], in: folder)
      #expect(device.code == 0, "\(device.errors)")
      var status = stat()
      #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
      try folder.write("old.png", [])
      symlink("old.png", folder.file("link.png"))
      #expect(try Tool(["-q", "-o", "link.png"], in: folder).code == 0)
      #expect(lstat(folder.file("link.png"), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
      _ = try PNG.read(folder.file("old.png"))
    }

    /// A weight file that is cut short while pages of it are still to be read.
    @Test(arguments: ["gpt", "headkv"]) func shortenedWeights(_ kind: String) throws {
      let folder = try Scratch()
      if kind == "gpt" {
        try FileManager.default.copyItem(
          atPath: BundledFiles.path("gpt.safetensors"), toPath: folder.file("m.gpt"))
        try FileManager.default.copyItem(
          atPath: BundledFiles.path("config.json"), toPath: folder.file("config.json"))
      } else {
        let packed = try Tool(["pack", "--precision", "f32", "-o", "m.headkv"], in: folder)
        #expect(packed.code == 0, "\(packed.errors)")
      }
      let run = try Tool(
        ["-q", "--gpt", "m.\(kind)", "--count", "2000", "--tokens-out", "t.safetensors"],
        in: folder, after: (1.5, { _ in truncate(folder.file("m.\(kind)"), 4096) }))
      #expect(run.code == 1 && isLine(run, "m.\(kind): shortened"), "\(run.code): \(run.errors)")
      #expect(try !folder.files.contains("t.safetensors"))
    }

    /// From a limit that lets the process just start up to one that leaves room for the run: one
    /// line that says what did not fit, or a picture.
    @Test(.disabled(if: Sanitizer.isOn, "a sanitizer reserves terabytes"))
    func limitedAddressSpace() throws {
      let folder = try Scratch()
      var (refused, drawn) = (0, 0)
      for mebibytes in stride(from: 60, through: 1500, by: 60) {
        let run = try Tool(
          ["-q", "-t", "2", "-o", "p.png"], in: folder, limits: "ulimit -v \(mebibytes << 10)")
        // 127: the system's loader has no room for the libraries, and says so.
        if run.code == 127 { continue }
        if run.code == 0 {
          #expect(try folder.files == ["p.png"])
          drawn += 1
        } else {
          #expect(run.code == 1, "\(mebibytes) MiB: \(run.errors)")
          #expect(isLine(run, "address space"), "\(mebibytes) MiB: \(run.errors)")
          refused += 1
        }
        try? FileManager.default.removeItem(atPath: folder.file("p.png"))
      }
      #expect(refused > 2 && drawn > 2)
    }

    /// Caches that do not fit are refused before the run, whatever the machine has.
    @Test(.disabled(if: Sanitizer.isOn, "a sanitizer reserves terabytes"))
    func cachesThatDoNotFit() throws {
      let run = try Tool(
        ["-q", "--kv-policy", "full", "--count", "4000", "--batch", "4000"], in: Scratch(),
        limits: "ulimit -v 4000000")
      #expect(run.code == 1 && isLine(run, "the caches of 8000 sequences"), "\(run.errors)")
    }

    @Test func closedPipe() throws {
      let folder = try Scratch()
      let run = try Tool(
        ["policies"], in: folder, limits: "exec 2>&1; \"$0\" \"$@\" | head -1; exit 7")
      #expect(run.code == 7 && run.errors.isEmpty)
      #expect(run.output.split(separator: "\n").count == 1, "\(run.output)")
    }
  }
}
