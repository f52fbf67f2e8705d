/// A 2-D convolution, 1x1 or 3x3, with a bias, as a matrix product over tiles of positions.
package final class Conv2D: Sendable {
  /// How the output size follows from the input size; matters to 3x3 kernels only.
  package enum Sampling: Sendable {
    /// As large, padded by one zero all round.
    case same
    /// Stride 2, padded by one zero on the right and at the bottom: half as large. Even sizes only.
    case halving
    /// The input enlarged twice by repeating pixels, then as `same`.
    case doubling
  }

  package let inputs: Int
  package let outputs: Int
  /// Side of the kernel: 1 or 3.
  package let kernel: Int
  package let sampling: Sampling
  /// [outputs, inputs * kernel * kernel]
  private let weight: AlignedBuffer<Float>
  private let bias: [Float]

  /// `weight` is [outputs, inputs, kernel, kernel], `bias` is [outputs].
  package init(
    weight: [Float], bias: [Float], inputs: Int, outputs: Int, kernel: Int,
    sampling: Sampling = .same
  ) {
    precondition(kernel == 3 || (kernel == 1 && sampling == .same), "unsupported kernel")
    precondition(
      weight.count == outputs * inputs * kernel * kernel && bias.count == outputs,
      "weights of a convolution do not fit")
    self.inputs = inputs
    self.outputs = outputs
    self.kernel = kernel
    self.sampling = sampling
    self.bias = bias
    self.weight = AlignedBuffer(count: weight.count, repeating: 0)
    unsafe weight.withUnsafeBufferPointer { from in
      guard let start = from.baseAddress else { return }
      unsafe self.weight.base.update(from: start, count: from.count)
    }
  }

  /// Size of the output for an input of `height` x `width`.
  package func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
    switch sampling {
    case .same: (height, width)
    case .halving: (height / 2, width / 2)
    case .doubling: (2 * height, 2 * width)
    }
  }

  /// The convolution of `input` [inputs, h, w], plus `residual` of the output's shape if given.
  package func apply(
    _ input: FeatureMap, adding residual: FeatureMap? = nil, on runner: Conv2DRunner
  ) -> FeatureMap {
    precondition(input.channels == inputs, "channels of a convolution do not fit")
    let size = outputSize(height: input.height, width: input.width)
    precondition(
      sampling != .halving || (input.height % 2 == 0 && input.width % 2 == 0),
      "cannot halve an odd size")
    let output = FeatureMap(channels: outputs, height: size.height, width: size.width)
    if let residual {
      precondition(
        residual.channels == outputs && residual.pixels == output.pixels,
        "residual of a convolution does not fit")
    }
    let rows = inputs * kernel * kernel
    let weight = unsafe self.weight.matrix(rows: outputs, columns: rows)
    let tile = runner.tileWidth(rows: rows, of: output.pixels)
    unsafe runner.forEachTile(
      of: output.pixels, size: tile, scratch: kernel == 1 ? 0 : rows * tile
    ) { range, scratch in
      begin(output, range, residual)
      if kernel == 1 {
        unsafe BLAS.multiply(weight, input.matrix(range), into: output.matrix(range), beta: 1)
      } else {
        unsafe gather(input, range, outputWidth: size.width, into: scratch)
        let columns = unsafe FloatMatrix(
          base: scratch, rows: rows, columns: range.count, stride: range.count)
        unsafe BLAS.multiply(weight, columns, into: output.matrix(range), beta: 1)
      }
    }
    return output
  }

  /// Sets the positions `range` of the output to bias plus residual.
  private func begin(_ output: FeatureMap, _ range: Range<Int>, _ residual: FeatureMap?) {
    for channel in 0..<outputs {
      let to = unsafe output.plane(channel) + range.lowerBound
      let bias = bias[channel]
      guard let residual else {
        unsafe to.update(repeating: bias, count: range.count)
        continue
      }
      let from = unsafe residual.plane(channel) + range.lowerBound
      for index in 0..<range.count { unsafe to[index] = from[index] + bias }
    }
  }

  /// Lays out what the kernel sees at output positions `range`: [inputs * 9, range.count].
  private func gather(
    _ input: FeatureMap, _ range: Range<Int>, outputWidth: Int,
    into columns: UnsafeMutablePointer<Float>
  ) {
    var to = unsafe columns
    for channel in 0..<inputs {
      let plane = unsafe input.plane(channel)
      for tap in 0..<9 {
        var at = range.lowerBound
        while at < range.upperBound {
          let (y, x) = at.quotientAndRemainder(dividingBy: outputWidth)
          let count = min(outputWidth - x, range.upperBound - at)
          unsafe gatherRow(
            plane, input.height, input.width, y: y, x: x, tapY: tap / 3, tapX: tap % 3,
            count: count, into: to)
          unsafe to += count
          at += count
        }
      }
    }
  }

  /// What one tap sees at `count` output positions from (y, x) on, within one output row.
  private func gatherRow(
    _ plane: UnsafePointer<Float>, _ height: Int, _ width: Int, y: Int, x: Int, tapY: Int,
    tapX: Int, count: Int, into to: UnsafeMutablePointer<Float>
  ) {
    switch sampling {
    case .same:
      let sourceY = y + tapY - 1
      guard 0..<height ~= sourceY else { return unsafe to.update(repeating: 0, count: count) }
      let first = x + tapX - 1
      let left = first < 0 ? 1 : 0
      let right = first + count > width ? 1 : 0
      let inside = count - left - right
      if left == 1 { unsafe to[0] = 0 }
      if inside > 0 {
        unsafe (to + left).update(from: plane + sourceY * width + first + left, count: inside)
      }
      if right == 1 { unsafe to[count - 1] = 0 }
    case .halving:
      let sourceY = 2 * y + tapY
      guard sourceY < height else { return unsafe to.update(repeating: 0, count: count) }
      let row = unsafe plane + sourceY * width
      for index in 0..<count {
        let sourceX = 2 * (x + index) + tapX
        unsafe to[index] = sourceX < width ? row[sourceX] : 0
      }
    case .doubling:
      let enlargedY = y + tapY - 1
      guard 0..<(2 * height) ~= enlargedY else {
        return unsafe to.update(repeating: 0, count: count)
      }
      let row = unsafe plane + (enlargedY >> 1) * width
      for index in 0..<count {
        let enlargedX = x + index + tapX - 1
        unsafe to[index] = 0..<(2 * width) ~= enlargedX ? row[enlargedX >> 1] : 0
      }
    }
  }
}
