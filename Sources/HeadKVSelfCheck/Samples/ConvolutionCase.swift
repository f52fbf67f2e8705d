import HeadKVMath

/// A convolution of random weights and the map it is applied to.
package struct ConvolutionCase: Sendable {
  package let inputs: Int, outputs: Int, height: Int, width: Int, kernel: Int
  package let sampling: Conv2D.Sampling

  package init(
    inputs: Int, outputs: Int, height: Int, width: Int, kernel: Int, sampling: Conv2D.Sampling
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.height = height
    self.width = width
    self.kernel = kernel
    self.sampling = sampling
  }

  /// For products below 1; errors grow with the number of products of a sum.
  package var tolerance: Float { max(1e-4, 1e-6 * Float(inputs * kernel * kernel)) }

  /// [inputs, height, width].
  package var input: [Float] { Self.noise(inputs * height * width, seed: 1) }

  package func apply(
    to input: [Float], through norm: GroupNorm? = nil, addedTo residual: [Float]? = nil,
    threads: Int
  ) -> [Float] {
    let conv = Conv2D(
      weight: weight, bias: bias, inputs: inputs, outputs: outputs, kernel: kernel,
      sampling: sampling)
    let size = conv.outputSize(height: height, width: width)
    let runner = Conv2DRunner(pool: WorkerPool(threads: threads))
    let map = FeatureMap(channels: inputs, height: height, width: width, planes: input)
    return conv.apply(
      map, through: norm?.fitted(to: map, silu: true, on: runner),
      addedTo: residual.map {
        FeatureMap(channels: outputs, height: size.height, width: size.width, planes: $0)
      }, on: runner
    ).planes
  }

  package func reference(_ input: [Float]) -> [Float] {
    let grows = sampling == .doubling
    let edge = kernel / 2
    return ReferenceConv2D.apply(
      grows
        ? ReferenceConv2D.doubled(input, channels: inputs, height: height, width: width) : input,
      inputs: inputs, height: grows ? 2 * height : height, width: grows ? 2 * width : width,
      weight: weight, bias: bias, outputs: outputs, kernel: kernel,
      stride: sampling == .halving ? 2 : 1,
      padding: sampling == .halving
        ? .init(top: 0, left: 0, bottom: 1, right: 1)
        : .init(top: edge, left: edge, bottom: edge, right: edge))
  }

  private var weight: [Float] { Self.noise(outputs * inputs * kernel * kernel, seed: 2) }
  private var bias: [Float] { Self.noise(outputs, seed: 3) }

  /// Repeatable numbers in [-1, 1).
  package static func noise(_ count: Int, seed: UInt64) -> [Float] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 24) * 2 - 1
    }
  }

  /// The largest difference of two elements.
  package static func distance(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count else { return .infinity }
    // A comparison with NaN is false: let it count as the worst.
    return zip(a, b).reduce(0) { worst, pair in
      let difference = abs(pair.0 - pair.1)
      return difference.isNaN ? .infinity : max(worst, difference)
    }
  }
}
