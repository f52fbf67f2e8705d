import Foundation
import HeadKV
import HeadKVFiles
import HeadKVMath

extension DoctorCheck {
  /// The bundled model draws the same picture with one thread and with all.
  static func model(threads: Int) -> DoctorCheck {
    DoctorCheck("bundled model") {
      let model = try ImageModel.bundled()
      func draw(_ threads: Int) throws -> GenerationResult {
        try Generator(
          model: model,
          options: GenerationOptions(
            guidanceScale: 2.5, topK: 200, seed: 1,
            policy: PolicyChoice("auto", budget: CacheBudget(parsing: "1/6")), threads: threads)
        ).generate(classes: [8])
      }
      let (all, one) = (try draw(threads), try draw(1))
      let picture = try model.image(tokens: all.images[0].tokens, threads: threads)
      let isSame = all.images[0].tokens == one.images[0].tokens
      return Answer(
        isSame && Set(picture.pixels).count > 16,
        String(
          format: "a picture of %dx%d in %.2f s, %@ with one thread", picture.width,
          picture.height, all.report.seconds, isSame ? "the same" : "another"),
        ["seconds": all.report.seconds, "tokensPerSecond": all.report.tokensPerSecond])
    }
  }

  /// What the bundled model predicts of a known picture, and how it decodes it, with one set of
  /// kernels against the portable ones.
  ///
  /// - Parameter portable: keeps what the portable ones have found, for all sets.
  static func predictions(_ instructionSet: String, against portable: Portable) -> DoctorCheck {
    DoctorCheck("model \(instructionSet)") {
      let expected = try portable.prediction()
      let found =
        instructionSet == "portable" ? expected : try prediction(instructionSet)
      let loss = abs(found.loss - expected.loss)
      let pixel = zip(found.pixels, expected.pixels).reduce(0) {
        max($0, abs(Int($1.0) - Int($1.1)))
      }
      return Answer(
        loss <= 1e-4 && abs(found.loss - knownLoss) <= 1e-3
          && pixel <= 1 && found.pixels.count == expected.pixels.count,
        String(
          format: "%.4f nats a token on a known picture; off by %.1e, pixels by %d of 255",
          found.loss, loss, pixel),
        ["loss": found.loss, "lossDifference": loss, "pixelDifference": Double(pixel)])
    }
  }

  struct Prediction {
    let loss: Double
    let pixels: [UInt8]
  }

  /// What the portable kernels find, once somebody asks.
  final class Portable {
    private var found: Prediction?

    func prediction() throws -> Prediction {
      if let found { return found }
      let made = try DoctorCheck.prediction("portable")
      found = made
      return made
    }
  }

  /// Of the bundled model on the first bundled picture: other weights have another.
  private static let knownLoss = 3.2074

  private static func prediction(_ instructionSet: String) throws -> Prediction {
    let before = Kernels.instructionSet
    guard Kernels.select(instructionSet: instructionSet) else {
      throw OptionError("instruction set", instructionSet, "one that the processor has")
    }
    defer { _ = Kernels.select(instructionSet: before) }
    let model = try ImageModel.bundled()
    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    let loss = try Evaluator(gpt: model.gpt, policy: "full").evaluate(set, limit: 1).report.nllFull
    return Prediction(loss: loss, pixels: try model.image(tokens: set.tokens[0]).pixels)
  }

  /// A file is written whole and read again.
  static func writing(_ name: String, _ folder: String) -> DoctorCheck {
    DoctorCheck(name) {
      let path = folder + "/.headkv-doctor-\(ProcessInfo.processInfo.processIdentifier)"
      let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
      defer { try? FileManager.default.removeItem(atPath: path) }
      try AtomicFile.write(to: path, failure: { $0 }) { file throws(FileError) in
        try file.append(bytes)
      }
      let found = try Data(contentsOf: URL(fileURLWithPath: path))
      return Answer(Array(found) == bytes, folder)
    }
  }
}
