import HeadKVMath

/// From a picture [h * d, w * d, 3] to what the codebook is searched for [h, w, Dc].
struct VQEncoder: Sendable {
  let input: Conv2D
  /// From the highest resolution to the lowest.
  let levels: [VQLevel]
  let middle: VQMiddle
  let norm: GroupNorm
  let output: Conv2D
  let quantize: Conv2D

  /// Reads `encoder` and `quant_conv`. Throws if a tensor does not fit.
  init(codeDimension: Int, _ weights: inout VQWeights) throws(VQError) {
    let first = try weights.outputs("encoder.conv_in")
    input = try weights.convolution("encoder.conv_in", inputs: 3, outputs: first, kernel: 3)
    levels = try VQLevel.read(
      "encoder.conv_blocks", inputs: first, resampler: "downsample", sampling: .halving, &weights)
    middle = try VQMiddle("encoder.mid", inputs: levels.last?.outputs ?? first, &weights)
    norm = try weights.norm("encoder.norm_out", channels: middle.outputs)
    let latent = try weights.outputs("encoder.conv_out")
    output = try weights.convolution(
      "encoder.conv_out", inputs: middle.outputs, outputs: latent, kernel: 3)
    quantize = try weights.convolution(
      "quant_conv", inputs: latent, outputs: codeDimension, kernel: 1)
  }

  func callAsFunction(_ picture: FeatureMap, on runner: Conv2DRunner) -> FeatureMap {
    var x = input.apply(picture, on: runner)
    for level in levels { x = level(x, on: runner) }
    x = middle(x, on: runner)
    x = output.apply(x, through: norm.fitted(to: x, silu: true, on: runner), on: runner)
    return quantize.apply(x, on: runner)
  }
}
