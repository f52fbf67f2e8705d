import HeadKV
import HeadKVMath

/// Picking the tokens of a batch of guided images: mixing the logits of both branches, top-k 2000
/// of 16384, and the draw.
final class SamplingPart: BenchPart {
  let label: PartLabel
  private let engine: DecodeEngine
  private let options: GenerationOptions
  private let batch: Int

  private static let tokens = 8

  init(batch: Int, pool: WorkerPool) throws {
    var label = PartLabel("sampling", unit: "step")
    label.batch = batch
    self.label = label
    self.batch = batch
    // Logits are all that is wanted of the model.
    var configuration = GPTConfiguration(
      GPTPreset.named("GPT-B")!, grid: TokenGrid(width: 4, height: 4))
    configuration.layers = 1
    configuration.dimension = 64
    configuration.heads = 1
    configuration.hidden = 256
    engine = DecodeEngine(
      model: GPT.random(configuration, pool: pool), sequences: 2 * batch, pool: pool)
    for index in 0..<2 * batch { try engine.begin(index, condition: .category(index % 1000)) }
    options = try GenerationOptions(guidanceScale: 4, topK: 2000, threads: pool.threads)
  }

  var bytesPerUnit: Int? { nil }

  func run() -> Double {
    let vocabulary = 16384
    var loop = TokenLoop(
      guidanceScale: options.guidanceScale,
      pictures: PictureRequest.pictures(Array(repeating: .category(0), count: batch), seed: 0),
      length: Self.tokens, vocabulary: vocabulary, sampler: Sampler(options.sampling, vocabulary: vocabulary))
    let start = ContinuousClock.now
    for token in 0..<Self.tokens { loop.pick(token, engine, guided: true) }
    return Statistics.milliseconds(ContinuousClock.now - start) / Double(Self.tokens)
  }
}
