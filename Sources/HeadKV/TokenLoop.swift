import HeadKVMath
import HeadKVModels

/// The inner loop of a batch and the memory it works in; picking and feeding allocate nothing.
package struct TokenLoop: ~Copyable {
  private let guidance: Guidance
  private let pictures: [PictureRequest]
  private let length: Int
  private let pool: WorkerPool
  private let samplers: [PictureSampler]
  /// `[pictures, length]`.
  private let drawn: AlignedBuffer<Int32>
  private var rows: [StepRow] = []

  /// - Parameters:
  ///   - pictures: those of the batch, for their seeds.
  ///   - length: tokens of a picture.
  ///   - pool: picks the tokens of several pictures at a time.
  ///   - sampler: makes one for each picture.
  package init(
    guidanceScale: Float, pictures: [PictureRequest], length: Int, vocabulary: Int,
    pool: WorkerPool, sampler: TokenSamplerMaker
  ) {
    guidance = Guidance(scale: guidanceScale, pictures: pictures.count)
    self.pictures = pictures
    self.length = length
    self.pool = pool
    samplers = pictures.map { _ in PictureSampler(sampler(vocabulary)) }
    drawn = AlignedBuffer(count: pictures.count * length, repeating: 0)
    rows.reserveCapacity(pictures.count * 2)
  }

  private var images: Int { pictures.count }

  /// The first `count` tokens of a picture.
  package func tokens(_ image: Int, count: Int) -> [Int32] {
    (0..<count).map { unsafe drawn.base[image * length + $0] }
  }

  /// Takes a picture's first tokens as drawn.
  ///
  /// - Precondition: no more than a picture has.
  func take(_ image: Int, _ tokens: [Int32]) {
    precondition(tokens.count <= length, "more tokens than a picture has")
    for (index, token) in tokens.enumerated() {
      unsafe drawn.base[image * length + index] = token
    }
  }

  /// Starts the branches of the pictures.
  package func begin(
    _ starts: [SequenceStart], _ engine: DecodeEngine, guided: Bool
  ) throws(ModelError) {
    try engine.begin(starts, guidance: guided ? guidance : nil)
  }

  /// Draws token `token` of each picture from the engine's logits.
  ///
  /// Sequence i is the conditional branch of picture i; the unconditional ones follow.
  package func pick(_ token: Int, _ engine: DecodeEngine) {
    let work = unsafe PickWork(
      token: token, length: length, pictures: pictures, engine: engine, samplers: samplers,
      drawn: drawn.base)
    unsafe pool.run(tasks: images, work)
  }

  /// Feeds token `token` to both branches of each picture, or to the conditional one only.
  package mutating func feed(_ token: Int, _ engine: DecodeEngine, guided: Bool) {
    rows.removeAll(keepingCapacity: true)
    for branch in 0..<(guided ? 2 : 1) {
      for image in 0..<images {
        rows.append(
          StepRow(
            sequence: branch * images + image,
            token: unsafe drawn.base[image * length + token], position: Int32(token)))
      }
    }
    engine.step(rows, guidance: guided ? guidance : nil)
  }
}

/// The sampler of one picture.
private final class PictureSampler {
  var sampler: any TokenSampler
  init(_ sampler: any TokenSampler) { self.sampler = sampler }
}

/// Picks a token of each picture, one picture a task.
@unsafe
private struct PickWork: ParallelWork {
  let token: Int
  let length: Int
  let pictures: [PictureRequest]
  let engine: DecodeEngine
  let samplers: [PictureSampler]
  let drawn: UnsafeMutablePointer<Int32>

  func perform(_ image: Int) {
    let random = unsafe Philox(key: pictures[image].seed(ofToken: token))
    let (uniform, sampler) = unsafe (random.uniform(token), samplers[image])
    unsafe engine.withLogits(image) { logits in
      let code = sampler.sampler.pick(logits, uniform: uniform)
      precondition(code >= 0 && code < logits.count, "a sampler picks one of the codes")
      unsafe drawn[image * length + token] = code
    }
  }
}
