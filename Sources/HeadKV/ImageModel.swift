import Foundation
import HeadKVMath

/// A model that draws pictures: a GPT, the tokenizer that decodes its tokens, and class names.
public struct ImageModel: Sendable {
  public let gpt: GPT
  /// Absent if only tokens are wanted.
  public let tokenizer: VQTokenizer?
  /// Names of the classes, if the model comes with any.
  public let classNames: [String]

  public init(gpt: GPT, tokenizer: VQTokenizer?, classNames: [String] = []) {
    self.gpt = gpt
    self.tokenizer = tokenizer
    self.classNames = classNames
  }

  /// Opens weight files. A `config.json` beside the GPT's file fills in what `hints` leaves open,
  /// unless the file is a packed one, which tells all.
  ///
  /// - Parameters:
  ///   - precision: how the GPT's matrices are held.
  ///   - threads: threads that pack them; default: all processors.
  /// - Throws: ``ModelError``, ``WeightError`` or ``VQError``, naming the file.
  public init(
    gpt gptPath: String, vq vqPath: String? = nil, hints: GPTHints = GPTHints(),
    precision: WeightPrecision = .auto, threads: Int? = nil
  ) throws {
    let catalog = try TensorCatalog.open(gptPath)
    var hints = hints
    if PackedHeader.isPresent(in: catalog) {
      hints.classNames = try PackedHeader(catalog).classNames
    } else if let sidecar = try GPTHints(beside: gptPath) {
      hints = hints.filled(from: sidecar)
    }
    gpt = try GPT(catalog, hints: hints, precision: precision, threads: threads)
    tokenizer = try vqPath.map { try VQTokenizer(try TensorCatalog.open($0)) }
    classNames = hints.classNames.count == gpt.configuration.classCount ? hints.classNames : []
    if let tokenizer, tokenizer.codebookSize != gpt.configuration.vocabulary {
      throw ModelError.contradiction(
        file: vqPath ?? "", what: "the number of codes",
        said: "\(gpt.configuration.vocabulary) by the GPT", found: "\(tokenizer.codebookSize)")
    }
  }

  /// The model that comes with the package: 2.9 M parameters, CIFAR-10, 32x32 pixels.
  public static func bundled(precision: WeightPrecision = .auto) throws -> ImageModel {
    try ImageModel(
      gpt: BundledFiles.path("gpt.safetensors"), vq: BundledFiles.path("vq.safetensors"),
      precision: precision)
  }

  /// The index of a class given by index or name.
  ///
  /// - Throws: ``OptionError`` naming what was found and what there is.
  public func classIndex(_ text: String) throws(OptionError) -> Int {
    let count = gpt.configuration.classCount
    if let index = Int(text) {
      guard index >= 0, index < count else {
        throw OptionError("class", text, "between 0 and \(count - 1)")
      }
      return index
    }
    if let index = classNames.firstIndex(where: { $0.lowercased() == text.lowercased() }) {
      return index
    }
    let names = classNames.isEmpty ? "an index up to \(count - 1)" : classNames.joined(separator: ", ")
    throw OptionError("class", "'\(text)'", classNames.isEmpty ? names : "one of \(names)")
  }

  /// Decodes a picture's tokens.
  ///
  /// - Throws: ``VQError`` for tokens out of range; ``OptionError`` without a tokenizer.
  public func image(tokens: [Int32], threads: Int = 1) throws -> RGBImage {
    guard let tokenizer else {
      throw OptionError("vq", "absent", "a tokenizer's weight file, to decode tokens")
    }
    let grid = gpt.configuration.grid
    return try tokenizer.image(
      tokens: tokens, width: grid.width, height: grid.height, threads: threads)
  }

  /// Decodes several pictures, one a thread: the same pictures as one by one, sooner.
  ///
  /// - Parameter shouldStop: asked before each picture; true ends the work.
  /// - Throws: as ``image(tokens:threads:)``, or ``GenerationCancelled``.
  public func images(
    tokens: [[Int32]], threads: Int = 1, shouldStop: @Sendable () -> Bool = { false }
  ) throws -> [RGBImage] {
    guard tokens.count >= threads, threads > 1 else {
      return try tokens.map { tokens in
        if shouldStop() { throw GenerationCancelled() }
        return try image(tokens: tokens, threads: max(threads, 1))
      }
    }
    let results = WorkerPool(threads: threads).map(tasks: tokens.count) { index in
      Result {
        if shouldStop() { throw GenerationCancelled() }
        return try image(tokens: tokens[index])
      }
    }
    return try results.map { try $0.get() }
  }
}

extension VQTokenizer {
  /// Decodes a grid of tokens to a picture.
  public func image(tokens: [Int32], width: Int, height: Int, threads: Int = 1) throws -> RGBImage {
    let values = try decode(tokens: tokens, width: width, height: height, threads: threads)
    let picture = try Self.image(
      from: values, width: width * downsampling, height: height * downsampling)
    return try RGBImage(width: picture.width, height: picture.height, pixels: picture.pixels)
  }

  /// Encodes a picture to tokens, in raster order.
  public func tokens(of image: RGBImage, threads: Int = 1) throws -> [Int32] {
    let values = try Self.values(from: image.pixels, width: image.width, height: image.height)
    return try encode(pixels: values, width: image.width, height: image.height, threads: threads)
  }
}

/// Files that come with the package.
public enum BundledFiles {
  /// Path of a file of the bundled model: `gpt.safetensors`, `vq.safetensors`, `config.json`, or
  /// `eval.safetensors` (64 held-out pictures: `tokens` [64, 256], `classes` [64]).
  public static func path(_ name: String) -> String {
    Bundle.module.bundleURL.appendingPathComponent("c10").appendingPathComponent(name).path
  }
}
