import HeadKVMath

/// The newest rotated queries of every head: what a head asked of its rows lately.
///
/// A ring of `depth` queries a head, allocated once. Each query also has the step it belongs to, so
/// that it can be asked again of the rows it saw. Different heads may be written by different
/// threads at the same time.
@safe
final class QueryHistory: @unchecked Sendable {
  let depth: Int
  private let shape: SequenceShape
  private let queries: AlignedBuffer<Float>
  private var births: [Int32]

  init(_ shape: SequenceShape, depth: Int) {
    self.shape = shape
    self.depth = depth
    queries = AlignedBuffer(count: shape.allHeads * depth * shape.headDimension, repeating: 0)
    births = Array(repeating: -1, count: depth)
  }

  private func query(_ layer: Int, _ head: Int, _ index: Int) -> UnsafeMutablePointer<Float> {
    let row = (layer * shape.heads + head) * depth + index
    return unsafe queries.base + row * shape.headDimension
  }

  /// Remembers the query of token `token` of the picture.
  func record(layer: Int, head: Int, token: Int, _ vector: UnsafePointer<Float>) {
    unsafe query(layer, head, token % depth).update(from: vector, count: shape.headDimension)
  }

  /// Notes the step of token `token`; called once a step.
  func note(token: Int, birth: Int32) { births[token % depth] = birth }

  /// Up to `count` of a head's queries, spread evenly over the ring, the newest among them.
  func withQueries(
    layer: Int, head: Int, newest token: Int, count: Int,
    _ body: (_ query: UnsafePointer<Float>, _ birth: Int32) -> Void
  ) {
    let held = min(depth, token + 1)
    let stride = max((held + count - 1) / count, 1)
    var back = 0
    while back < held {
      let index = (token - back) % depth
      unsafe body(query(layer, head, index), births[index])
      back += stride
    }
  }
}
