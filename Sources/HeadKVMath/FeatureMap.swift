import Foundation

/// Channels of a picture under way through a convolutional network, `[channels, height, width]`.
package struct FeatureMap {
  package let channels: Int
  package let height: Int
  package let width: Int
  package var values: [Float]

  package init(channels: Int, height: Int, width: Int, values: [Float]? = nil) {
    self.channels = channels
    self.height = height
    self.width = width
    self.values = values ?? [Float](repeating: 0, count: channels * height * width)
    precondition(self.values.count == channels * height * width, "values do not fill the map")
  }

  package var cells: Int { height * width }

  /// Group normalisation with epsilon 1e-6; statistics in double precision.
  package func groupNormalised(groups: Int, weight: [Float], bias: [Float]) -> FeatureMap {
    var out = self
    let size = channels / groups * cells
    for group in 0..<groups {
      let range = group * size..<(group + 1) * size
      var sum = 0.0
      for index in range { sum += Double(values[index]) }
      let mean = sum / Double(size)
      var squares = 0.0
      for index in range { squares += (Double(values[index]) - mean) * (Double(values[index]) - mean) }
      let scale = 1 / (squares / Double(size) + 1e-6).squareRoot()
      for index in range {
        let channel = index / cells
        out.values[index] =
          Float((Double(values[index]) - mean) * scale) * weight[channel] + bias[channel]
      }
    }
    return out
  }

  /// x * sigmoid(x).
  package mutating func silu() {
    for index in values.indices { values[index] /= 1 + exp(-values[index]) }
  }

  package mutating func add(_ other: FeatureMap) {
    for index in values.indices { values[index] += other.values[index] }
  }

  /// Each cell twice in both directions.
  package var doubled: FeatureMap {
    var out = FeatureMap(channels: channels, height: 2 * height, width: 2 * width)
    for channel in 0..<channels {
      for y in 0..<out.height {
        for x in 0..<out.width {
          out.values[(channel * out.height + y) * out.width + x] =
            values[(channel * height + y / 2) * width + x / 2]
        }
      }
    }
    return out
  }
}

/// A two-dimensional convolution: patches laid out as a matrix, multiplied by BLAS.
package struct Conv2D: Sendable {
  package let inChannels: Int
  package let outChannels: Int
  package let kernel: Int
  package let stride: Int
  /// Zeros before the first and behind the last row and column.
  package let padding: (before: Int, after: Int)
  /// `[outChannels, inChannels, kernel, kernel]`.
  package let weight: [Float]
  package let bias: [Float]

  package init(
    inChannels: Int, outChannels: Int, kernel: Int, stride: Int = 1,
    padding: (before: Int, after: Int), weight: [Float], bias: [Float]
  ) {
    precondition(
      weight.count == outChannels * inChannels * kernel * kernel && bias.count == outChannels,
      "weights do not fill the convolution")
    self.inChannels = inChannels
    self.outChannels = outChannels
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.weight = weight
    self.bias = bias
  }

  /// - Precondition: the input has `inChannels` channels.
  package func callAsFunction(_ input: FeatureMap, pool: WorkerPool) -> FeatureMap {
    precondition(input.channels == inChannels, "wrong number of channels")
    let space = padding.before + padding.after - kernel
    var out = FeatureMap(
      channels: outChannels, height: (input.height + space) / stride + 1,
      width: (input.width + space) / stride + 1)
    let depth = inChannels * kernel * kernel
    // Bands of rows whose patches stay in the second-level cache.
    let band = min(max(65_536 / max(depth * out.width, 1), 1), out.height)
    let (height, width) = (out.height, out.width)
    let weights = FloatMatrixSource(weight)
    out.values.withUnsafeMutableBufferPointer { target in
      let result = unsafe FloatMatrix(
        base: target.baseAddress!, rows: outChannels, columns: height * width,
        stride: height * width)
      pool.run(tasks: (height + band - 1) / band) { task in
        let rows = task * band..<min((task + 1) * band, height)
        let columns = rows.count * width
        let patches = AlignedBuffer<Float>(count: depth * columns, repeating: 0)
        unsafe gather(input, rows, width, into: patches.base)
        let part = unsafe FloatMatrix(
          base: result.base + rows.lowerBound * width, rows: outChannels, columns: columns,
          stride: height * width)
        for channel in 0..<outChannels {
          unsafe part.row(channel).update(repeating: bias[channel], count: columns)
        }
        unsafe BLAS.multiply(
          weights.matrix(rows: outChannels, columns: depth),
          patches.matrix(rows: depth, columns: columns), into: part, beta: 1)
      }
    }
    return out
  }

  /// Writes the patches `[depth, rows x width]`; cells outside the map stay zero.
  private func gather(
    _ input: FeatureMap, _ rows: Range<Int>, _ width: Int, into patches: UnsafeMutablePointer<Float>
  ) {
    let columns = rows.count * width
    for channel in 0..<inChannels {
      for ky in 0..<kernel {
        for kx in 0..<kernel {
          let line = unsafe patches + ((channel * kernel + ky) * kernel + kx) * columns
          for y in rows {
            let sourceY = y * stride + ky - padding.before
            guard sourceY >= 0, sourceY < input.height else { continue }
            for x in 0..<width {
              let sourceX = x * stride + kx - padding.before
              guard sourceX >= 0, sourceX < input.width else { continue }
              unsafe line[(y - rows.lowerBound) * width + x] =
                input.values[(channel * input.height + sourceY) * input.width + sourceX]
            }
          }
        }
      }
    }
  }
}

/// Aligned f32 values that a matrix view can be taken of.
private final class FloatMatrixSource: Sendable {
  private let buffer: AlignedBuffer<Float>

  init(_ values: [Float]) {
    buffer = AlignedBuffer(count: values.count, repeating: 0)
    for (index, value) in values.enumerated() { unsafe buffer.base[index] = value }
  }

  func matrix(rows: Int, columns: Int) -> FloatMatrix {
    unsafe buffer.matrix(rows: rows, columns: columns)
  }
}
