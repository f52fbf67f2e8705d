import HeadKVMath

/// Input embeddings `[rows, dimension]` of the condition.
struct PrefixInput {
  let rows: Int
  let embeddings: FloatStorage
}

extension GPT {
  /// Embeds a condition; for a caption the tokens that are not padding.
  func prefix(_ condition: Condition) throws(ModelError) -> PrefixInput {
    let width = configuration.dimension
    switch (condition, self.condition) {
    case (.category(let index), .classes(let table)):
      let classes = table.count / width - 1
      guard index >= 0, index <= classes else {
        throw .classOutOfRange(index, classes: classes)
      }
      let row = unsafe Array(UnsafeBufferPointer(start: table.base + index * width, count: width))
      return PrefixInput(rows: 1, embeddings: FloatStorage(row))
    case (.caption(let caption), .captions(let first, let second, let null)):
      guard caption.dimension == first.inFeatures,
        caption.features.count == null.count
      else {
        throw .caption(
          reason:
            "features are [\(caption.tokens), \(caption.dimension)], the model takes [\(null.count / first.inFeatures), \(first.inFeatures)]"
        )
      }
      let features = FloatStorage(caption.features)
      return unsafe project(features.base, caption.valid, first, second)
    case (.nullCaption(let tokens), .captions(let first, let second, let null)):
      guard tokens.lowerBound >= 0, !tokens.isEmpty,
        tokens.upperBound * first.inFeatures <= null.count
      else { throw .caption(reason: "tokens \(tokens) are not in the model's null caption") }
      return unsafe project(null.base, tokens, first, second)
    case (.category, .captions):
      throw .caption(reason: "the model draws from captions, not from classes")
    default:
      throw .caption(reason: "the model draws from classes, not from captions")
    }
  }

  private func project(
    _ features: UnsafePointer<Float>, _ tokens: Range<Int>, _ first: Linear, _ second: Linear
  ) -> PrefixInput {
    let pool = WorkerPool(threads: 1)
    let scratch = LinearScratch(
      rows: tokens.count, features: max(first.inFeatures, first.outFeatures))
    let input = AlignedBuffer<Float>(count: tokens.count * first.inFeatures, repeating: 0)
    let middle = AlignedBuffer<Float>(count: tokens.count * first.outFeatures, repeating: 0)
    let output = AlignedBuffer<Float>(count: tokens.count * second.outFeatures, repeating: 0)
    unsafe input.base.update(
      from: features + tokens.lowerBound * first.inFeatures, count: input.count)
    unsafe first.apply(
      input.matrix(rows: tokens.count, columns: first.inFeatures),
      into: middle.matrix(rows: tokens.count, columns: first.outFeatures), exactRows: false,
      scratch: scratch, pool: pool)
    unsafe Kernels.geluTanh(middle.base, count: middle.count)
    unsafe second.apply(
      middle.matrix(rows: tokens.count, columns: first.outFeatures),
      into: output.matrix(rows: tokens.count, columns: second.outFeatures), exactRows: false,
      scratch: scratch, pool: pool)
    let values = unsafe Array(UnsafeBufferPointer(start: output.base, count: output.count))
    return PrefixInput(rows: tokens.count, embeddings: FloatStorage(values))
  }
}
