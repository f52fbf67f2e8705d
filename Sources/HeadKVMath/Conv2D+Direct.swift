internal import CHeadKVKernels

/// The convolution as its definition says: each output is one sum over all that it sees.
///
/// A window of the input is copied with the zeros around it, so that a row of the kernel sees one
/// run of memory, and the packed weights are multiplied by it where it lies.
extension ConvolutionWork {
  /// Floats of a window: a part of the second cache.
  private static let cached = 1 << 17
  private static let widest = 32

  func multiplyDirectly(on runner: Conv2DRunner) {
    let width = min(output.width, Self.widest)
    guard output.pixels > 0 else { return }
    let across = (output.width + width - 1) / width
    let height = blockHeight(width: width, across: across, threads: runner.pool.threads)
    let down = (output.height + height - 1) / height
    let largest = window(rows: 0..<height, columns: 0..<width)
    let floats = largest.rows.count * largest.stride(channels: input.channels)
    unsafe runner.forEach(down * across, scratch: floats) { task, scratch in
      let (y, x) = (task / across * height, task % across * width)
      let rows = y..<min(y + height, output.height)
      let columns = x..<min(x + width, output.width)
      let window = window(rows: rows, columns: columns)
      unsafe window.fill(scratch, from: input, through: norm)
      unsafe multiply(
        scratch, stride: window.stride(channels: input.channels), rows: rows, columns: columns)
    }
  }

  /// Rows of output a task: as the cache holds, and at least two tasks a thread.
  private func blockHeight(width: Int, across: Int, threads: Int) -> Int {
    let line = max(1, window(rows: 0..<1, columns: 0..<width).stride(channels: input.channels))
    let step = layer.sampling == .halving ? 2 : 1
    let cached = (Self.cached / line - layer.kernel + 1) / step
    let shared = (output.height * across + 2 * threads - 1) / (2 * threads)
    return max(1, min(cached, shared, output.height))
  }

  /// What the outputs in `rows` and `columns` see.
  private func window(rows: Range<Int>, columns: Range<Int>) -> ConvolutionWindow {
    func seen(_ range: Range<Int>) -> Range<Int> {
      switch layer.sampling {
      case .halving: (2 * range.lowerBound)..<(2 * range.upperBound + 1)
      case .same, .doubling:
        (range.lowerBound - layer.kernel / 2)..<(range.upperBound + layer.kernel / 2)
      }
    }
    return ConvolutionWindow(
      rows: seen(rows), columns: seen(columns), enlarged: layer.sampling == .doubling)
  }

  /// The outputs in `rows` and `columns` from their window, with a panel of weights at a time.
  private func multiply(
    _ window: UnsafePointer<Float>, stride: Int, rows: Range<Int>, columns: Range<Int>
  ) {
    let step = layer.sampling == .halving ? 2 : 1
    let floatSize = MemoryLayout<Float>.stride
    for panel in 0..<((layer.outputs + Packing.panel - 1) / Packing.panel) {
      for (index, row) in rows.enumerated() {
        let first = row * output.width + columns.lowerBound
        let seen = unsafe hkv_rows(
          base: window + index * step * stride, stride: step * input.channels * floatSize,
          count: columns.count, segment_stride: stride * floatSize)
        unsafe layer.weight.product(
          panels: panel..<(panel + 1), of: seen, into: output.pixel(first),
          stride: layer.outputs, adding: adds ? UnsafePointer(output.pixel(first)) : nil,
          bias: UnsafePointer(layer.bias.base))
      }
    }
  }
}
