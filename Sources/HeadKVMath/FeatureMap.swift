/// A picture in f32 with the channels of a pixel side by side: [height, width, channels].
///
/// Filled by its maker, and changed only by a layer that is asked to add to it.
@safe
package final class FeatureMap: Sendable {
  package let channels: Int
  package let height: Int
  package let width: Int
  private let memory: FeatureMapMemory
  private let piece: FeatureMapMemory.Piece

  /// Values in unknown state. The sizes are 0 or more.
  package init(
    channels: Int, height: Int, width: Int, memory: FeatureMapMemory = FeatureMapMemory()
  ) {
    precondition(channels >= 0 && height >= 0 && width >= 0, "negative size of a feature map")
    self.channels = channels
    self.height = height
    self.width = width
    self.memory = memory
    piece = memory.take(channels * height * width)
  }

  deinit { memory.give(piece) }

  /// A copy of `planes` [channels, height, width].
  package convenience init(
    channels: Int, height: Int, width: Int, planes: [Float],
    memory: FeatureMapMemory = FeatureMapMemory()
  ) {
    precondition(planes.count == channels * height * width, "values do not fill the feature map")
    self.init(channels: channels, height: height, width: width, memory: memory)
    let pixels = pixels
    for channel in 0..<channels {
      for index in 0..<pixels {
        unsafe pixel(index)[channel] = planes[channel * pixels + index]
      }
    }
  }

  package var pixels: Int { height * width }

  /// The values as [channels, height, width].
  package var planes: [Float] {
    let pixels = pixels
    var planes = [Float](repeating: 0, count: channels * pixels)
    for index in 0..<pixels {
      let values = unsafe pixel(index)
      for channel in 0..<channels { unsafe planes[channel * pixels + index] = values[channel] }
    }
    return planes
  }

  /// The channels of pixel `index`, counted row by row.
  @unsafe
  package func pixel(_ index: Int) -> UnsafeMutablePointer<Float> {
    unsafe piece.base + index * channels
  }

  /// The view [range.count, channels] of the pixels `range`.
  @unsafe
  package func matrix(_ range: Range<Int>) -> FloatMatrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= pixels, "pixels out of range")
    return unsafe FloatMatrix(
      base: pixel(range.lowerBound), rows: range.count, columns: channels, stride: channels)
  }
}
