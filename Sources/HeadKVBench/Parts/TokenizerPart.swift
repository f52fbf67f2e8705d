import HeadKV
import HeadKVMath

/// Decoding of a picture of 256 x 256 pixels by a tokenizer of VQ-16's size.
final class TokenizerPart: BenchPart {
  let label = PartLabel("VQ-16 decode", unit: "256 px picture")
  private let tokenizer: VQTokenizer
  private let pool: WorkerPool

  init(pool: WorkerPool) throws {
    self.pool = pool
    tokenizer = try VQTokenizer.random()
  }

  var bytesPerUnit: Int? { nil }

  func run() throws -> Double {
    let tokens = (0..<256).map { Int32($0 * 7919 % tokenizer.codebookSize) }
    let start = ContinuousClock.now
    _ = try tokenizer.decode(tokens: tokens, width: 16, height: 16, pool: pool)
    return Statistics.milliseconds(ContinuousClock.now - start)
  }
}
