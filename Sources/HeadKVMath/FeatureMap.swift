/// A picture of `channels` planes in f32: [channels, height, width].
///
/// Filled once by its maker, then only read.
package final class FeatureMap: Sendable {
  package let channels: Int
  package let height: Int
  package let width: Int
  package let values: AlignedBuffer<Float>

  /// All zero. The sizes are 0 or more.
  package init(channels: Int, height: Int, width: Int) {
    self.channels = channels
    self.height = height
    self.width = width
    values = AlignedBuffer(count: channels * height * width, repeating: 0)
  }

  /// A copy of `array`, which holds `channels * height * width` values.
  package convenience init(channels: Int, height: Int, width: Int, copying array: [Float]) {
    precondition(array.count == channels * height * width, "values do not fill the feature map")
    self.init(channels: channels, height: height, width: width)
    unsafe array.withUnsafeBufferPointer { from in
      guard let start = from.baseAddress else { return }
      unsafe values.base.update(from: start, count: from.count)
    }
  }

  /// Positions per plane.
  package var pixels: Int { height * width }

  package var array: [Float] {
    unsafe Array(UnsafeBufferPointer(start: values.base, count: values.count))
  }

  /// First element of plane `channel`.
  @unsafe
  package func plane(_ channel: Int) -> UnsafeMutablePointer<Float> {
    unsafe values.base + channel * pixels
  }

  /// The view [channels, range.count] of the positions `range` of every plane.
  @unsafe
  package func matrix(_ range: Range<Int>) -> FloatMatrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= pixels, "positions out of range")
    return unsafe FloatMatrix(
      base: values.base + range.lowerBound, rows: channels, columns: range.count, stride: pixels)
  }
}
