import Foundation
import HeadKV
import Testing

extension ToolTests {
  /// A signal at any moment of a run: the exit code names it, and files are whole or absent.
  @Suite(.serialized) struct SignalTests {
    private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGKILL]

    /// Moments are spread over a run of about that many seconds by the golden ratio.
    private func moment(_ index: Int, of seconds: Double) -> Double {
      let turn = Double(index) * 0.618_033_988_749_895
      return seconds * (turn - turn.rounded(.down))
    }

    private func seconds(_ arguments: [String]) throws -> Double {
      let folder = try Scratch()
      let start = Date()
      let whole = try Tool(arguments, in: folder)
      #expect(whole.code == 0, "\(whole.errors)")
      return Date().timeIntervalSince(start)
    }

    @Test(arguments: [
      ["generate", "-q", "--class", "0-3", "-o", "p%d.png", "--tokens-out", "t.safetensors"],
      ["pack", "-q", "--precision", "f32", "-o", "m.headkv"],
    ]) func leavesWholeFiles(_ arguments: [String]) throws {
      let length = try seconds(arguments) * 1.1
      for index in 0..<24 {
        let folder = try Scratch()
        let number = Self.signals[index % Self.signals.count]
        let run = try Tool(
          arguments, in: folder,
          after: (moment(index, of: length), { kill($0.processIdentifier, number) }))
        // A signal that comes before the program's first line, or is SIGKILL, is the system's.
        let codes = [0, 128 + number, -number]
        #expect(codes.contains(run.code), "signal \(number): \(run.code), \(run.errors)")
        if run.code == 128 + number {
          #expect(run.errors.split(separator: "\n").count <= 1, "\(run.errors)")
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
          if name.hasSuffix(".png") {
            _ = try PNG.read(folder.file(name))
          } else {
            #expect(!name.hasPrefix("."), "signal \(number) left \(name)")
            _ = try TensorCatalog.open(folder.file(name))
          }
        }
      }
    }

    /// The second signal does not wait for the next token.
    @Test func theSecondSignalEndsAtOnce() throws {
      let folder = try Scratch()
      let run = try Tool(
        ["-q", "--class", "all", "--count", "500", "-o", "x.png"], in: folder,
        after: (
          1,
          {
            for _ in 0..<2 { kill($0.processIdentifier, SIGTERM) }
          }
        ))
      #expect(run.code == 143)
      #expect(try folder.files == [])
    }

    /// Under `nohup` a lost terminal ends nothing.
    @Test func ignoredHangUp() throws {
      let folder = try Scratch()
      let run = try Tool(
        ["-q", "-o", "p.png"], in: folder, limits: "trap '' HUP",
        after: (0.1, { kill($0.processIdentifier, SIGHUP) }))
      #expect(run.code == 0, "\(run.code): \(run.errors)")
      #expect(try folder.files == ["p.png"])
    }
  }
}
