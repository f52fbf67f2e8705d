import HeadKV
import HeadKVCache

/// Uses the cache alone, draws a picture with the bundled model, and with a policy and a sampler of
/// its own; each part stops with a message if it does not find what it should.
@main
struct Consumer {
  static func main() async throws {
    useCache()
    try drawPicture()
    try drawWithOwnPolicy()
    try await followAndCancel()
  }

  /// Two heads with room for three and two rows; the oldest row of the first one leaves.
  static func useCache() {
    var cache = LayerCache(headDimension: 4, capacities: [3, 2])
    for step in 0..<3 {
      let key: [Float] = [1, 0, Float(step), 0]
      let value: [Float] = [Float(step), 0, 0, 0]
      let row = CacheRow(position: Int32(step), birth: Int32(step))
      cache.append(head: 0, key: key.span, value: value.span, row: row)
    }
    var plan = EvictionPlan()
    plan.evict(slot: 0)
    cache.apply(plan, head: 0)
    print("head 0 holds \(cache.count(head: 0)) of \(cache.capacity(head: 0)) rows, \(cache.byteCount) bytes")
  }

  static func drawPicture() throws {
    let model = try ImageModel.bundled()
    let options = try GenerationOptions(
      guidanceScale: 2.5, topK: 200, policy: "window", budget: CacheBudget(parsing: "1/6"))
    let result = try Generator(model: model, options: options).generate(classes: [8])
    let picture = try model.image(tokens: result.images[0].tokens)
    try PNG.write(picture, to: "consumer.png")
    print(
      "drew a \(model.classNames[8]) of \(picture.width)x\(picture.height) pixels; cache \(result.report.cacheBytesPeak) of \(result.report.cacheBytesFull) bytes"
    )
  }

  static func check(_ isTrue: Bool, _ what: String) {
    if !isTrue { fatalError("not so: \(what)") }
  }
}
