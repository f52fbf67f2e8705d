import HeadKV
import HeadKVMath

/// Picking the tokens of a batch of images: top-k 2000 of 16384 and the draw.
final class SamplingPart: BenchPart {
  let label: PartLabel
  private let engine: DecodeEngine
  private let loop: TokenLoop

  private static let tokens = 8

  init(batch: Int, pool: WorkerPool) throws {
    var label = PartLabel("sampling", unit: "step")
    label.batch = batch
    self.label = label
    // Logits are all that is wanted of the model.
    var configuration = GPTConfiguration(
      GPTPreset.named("GPT-B")!, grid: TokenGrid(width: 4, height: 4))
    configuration.layers = 1
    configuration.dimension = 64
    configuration.heads = 1
    configuration.hidden = 256
    engine = DecodeEngine(
      model: GPT.random(configuration, pool: pool), sequences: batch, pool: pool)
    try engine.begin((0..<batch).map { SequenceStart($0, condition: .category($0 % 1000)) })
    let sampling = try Sampling(topK: 2000)
    loop = TokenLoop(
      guidanceScale: 1,
      pictures: PictureRequest.pictures(Array(repeating: .category(0), count: batch), seed: 0),
      length: Self.tokens, vocabulary: configuration.vocabulary, pool: pool,
      sampler: { Sampler(sampling, vocabulary: $0) })
  }

  var bytesPerUnit: Int? { nil }

  func run() -> Double {
    let start = ContinuousClock.now
    for token in 0..<Self.tokens { loop.pick(token, engine) }
    return Statistics.milliseconds(ContinuousClock.now - start) / Double(Self.tokens)
  }
}
