internal import CHeadKVKernels

/// A 2-D convolution, 1x1 or 3x3, with a bias, over channels-last maps.
///
/// The bits of an output depend on the sizes of the map and on what the output sees, never on the
/// number of threads.
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
  /// [outputs, kernel, kernel, inputs], in one segment for each row of the kernel.
  let weight: PackedMatrix
  let bias: AlignedBuffer<Float>

  /// `weight` is [outputs, inputs, kernel, kernel], `bias` is [outputs].
  package init(
    weight: [Float], bias: [Float], inputs: Int, outputs: Int, kernel: Int,
    sampling: Sampling = .same, arena: WeightArena = WeightArena(blockSize: 0)
  ) {
    precondition(kernel == 3 || (kernel == 1 && sampling == .same), "unsupported kernel")
    let taps = kernel * kernel
    precondition(
      weight.count == outputs * inputs * taps && bias.count == outputs,
      "weights of a convolution do not fit")
    self.inputs = inputs
    self.outputs = outputs
    self.kernel = kernel
    self.sampling = sampling
    self.bias = AlignedBuffer(count: outputs, repeating: 0)
    for (index, value) in bias.enumerated() { unsafe self.bias.base[index] = value }
    self.weight = PackedMatrix(
      kernel: kernel, weight: weight, inputs: inputs, outputs: outputs, arena: arena)
  }

  /// Size of the output for an input of `height` x `width`.
  package func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
    switch sampling {
    case .same: (height, width)
    case .halving: (height / 2, width / 2)
    case .doubling: (2 * height, 2 * width)
    }
  }

  /// The convolution of `input` [h, w, inputs], through `norm` first if given.
  ///
  /// It is added to `residual`, which then is the result, if that is given: another map than
  /// `input`, of the output's shape.
  package func apply(
    _ input: FeatureMap, through norm: FittedNorm? = nil, addedTo residual: FeatureMap? = nil,
    on runner: Conv2DRunner
  ) -> FeatureMap {
    precondition(
      input.channels == inputs && (norm == nil || norm?.channels == inputs),
      "channels of a convolution do not fit")
    let size = outputSize(height: input.height, width: input.width)
    precondition(
      sampling != .halving || (input.height % 2 == 0 && input.width % 2 == 0),
      "cannot halve an odd size")
    if let residual {
      precondition(
        residual !== input && residual.channels == outputs && residual.height == size.height
          && residual.width == size.width, "residual of a convolution does not fit")
    }
    let output =
      residual ?? runner.map(channels: outputs, height: size.height, width: size.width)
    let work = ConvolutionWork(
      layer: self, input: input, norm: norm, output: output, adds: residual != nil)
    if WinogradPlan.suits(work) {
      work.multiplyTransformed(on: runner)
    } else {
      work.multiplyDirectly(on: runner)
    }
    return output
  }
}

/// One application of a layer.
struct ConvolutionWork: Sendable {
  let layer: Conv2D
  let input: FeatureMap
  let norm: FittedNorm?
  let output: FeatureMap
  /// Whether the outputs are added to what is there.
  let adds: Bool
}
