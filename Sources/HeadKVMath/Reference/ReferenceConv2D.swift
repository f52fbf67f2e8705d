/// The convolution as its definition says, to test ``Conv2D`` against.
package enum ReferenceConv2D {
  /// Zero pixels added on each side before the kernel slides over the picture.
  package struct Padding: Sendable {
    package let top: Int, left: Int, bottom: Int, right: Int

    package init(top: Int, left: Int, bottom: Int, right: Int) {
      (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
    }
  }

  /// `input` [inputs, h, w], `weight` [outputs, inputs, kernel, kernel], `bias` [outputs]; the
  /// result is [outputs, (h + top + bottom - kernel) / stride + 1, likewise], summed in f64.
  package static func apply(
    _ input: [Float], inputs: Int, height: Int, width: Int, weight: [Float], bias: [Float],
    outputs: Int, kernel: Int, stride: Int, padding: Padding
  ) -> [Float] {
    let outHeight = (height + padding.top + padding.bottom - kernel) / stride + 1
    let outWidth = (width + padding.left + padding.right - kernel) / stride + 1
    var result: [Float] = []
    for o in 0..<outputs {
      for y in 0..<outHeight {
        for x in 0..<outWidth {
          var sum = Double(bias[o])
          for i in 0..<inputs {
            for ky in 0..<kernel {
              for kx in 0..<kernel {
                let sy = y * stride + ky - padding.top
                let sx = x * stride + kx - padding.left
                guard 0..<height ~= sy, 0..<width ~= sx else { continue }
                sum +=
                  Double(weight[((o * inputs + i) * kernel + ky) * kernel + kx])
                  * Double(input[(i * height + sy) * width + sx])
              }
            }
          }
          result.append(Float(sum))
        }
      }
    }
    return result
  }

  /// Every pixel of `input` [channels, h, w] repeated twice each way: [channels, 2h, 2w].
  package static func doubled(
    _ input: [Float], channels: Int, height: Int, width: Int
  ) -> [Float] {
    (0..<(channels * 4 * height * width)).map { index in
      let (row, x) = index.quotientAndRemainder(dividingBy: 2 * width)
      let (channel, y) = row.quotientAndRemainder(dividingBy: 2 * height)
      return input[(channel * height + y / 2) * width + x / 2]
    }
  }
}
