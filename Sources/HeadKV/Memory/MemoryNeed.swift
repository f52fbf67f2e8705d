/// What drawing takes, part by part in bytes: bounds from above, known before the first token.
public struct MemoryNeed: Sendable, Hashable {
  /// The program, its libraries, threads and what else is small.
  public var program: Int
  /// The GPT's weights.
  public var weights: Int
  /// The tokenizer's weights; 0 if only tokens are wanted.
  public var tokenizer = 0
  /// What is kept of all pictures until the end: their tokens, and the pixels of a sheet.
  public var results = 0
  /// The caches of one picture, both branches if it is guided.
  public var cache = 0
  /// What a step writes for one picture.
  public var work = 0
  /// The pixels of one picture of a batch, and its file.
  public var pixels = 0
  /// Decoding one picture.
  public var decoding = 0
  /// Whether a picture is decoded while others are drawn, as for previews.
  public var decodesWhileDrawing = false

  /// The program, each thread and what allocators keep.
  static let programBytes = 48 << 20
  static let threadBytes = 2 << 20

  /// - Parameters:
  ///   - weights: of the GPT, as ``GPT/weightBytes(as:)`` says.
  ///   - threads: that work.
  public init(weights: Int, threads: Int) {
    program = Self.programBytes + threads * Self.threadBytes
    self.weights = weights
  }

  /// What stays all the time.
  public var fixed: Int { program + weights + tokenizer + results }

  /// The most bytes, with `batch` pictures drawn and `decoders` decoded at the same time. A batch is
  /// decoded when its caches are gone.
  public func bytes(batch: Int, decoders: Int) -> Int {
    fixed
      + max(
        batch * (cache + work) + (decodesWhileDrawing ? batch * pixels + decoding : 0),
        batch * pixels + (decoders + (decodesWhileDrawing ? 1 : 0)) * decoding)
  }

  /// The same with the caches of sequences under a policy.
  public func holding(_ plan: MemoryPlan, sequences: Int) -> MemoryNeed {
    var need = self
    need.cache = sequences * plan.capBytes
    return need
  }
}
