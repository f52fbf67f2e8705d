/// Keeps every row: the uncompressed cache.
public struct FullPolicy: EvictionPolicy, Hashable {
  public init() {}

  public func capacity(layer: Int, head: Int, shape: SequenceShape) -> Int { shape.fullRows }

  public func plan(
    _ step: HeadStep, positions: Span<Int32>, births: Span<Int32>, biases: Span<Float>,
    weights: Span<Float>, scores: inout MutableSpan<Float>, into plan: inout EvictionPlan
  ) {}
}
