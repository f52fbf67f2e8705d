import HeadKVMath

/// From codes [h, w, Dc] to a picture [h * d, w * d, 3].
struct VQDecoder: Sendable {
  let postQuantize: Conv2D
  let input: Conv2D
  let middle: VQMiddle
  /// From the lowest resolution to the highest.
  let levels: [VQLevel]
  let norm: GroupNorm
  let output: Conv2D

  /// Reads `post_quant_conv` and `decoder`. Throws if a tensor does not fit.
  init(codeDimension: Int, _ weights: inout VQWeights) throws(VQError) {
    let latent = try weights.outputs("post_quant_conv")
    postQuantize = try weights.convolution(
      "post_quant_conv", inputs: codeDimension, outputs: latent, kernel: 1)
    let block = try weights.outputs("decoder.conv_in")
    input = try weights.convolution("decoder.conv_in", inputs: latent, outputs: block, kernel: 3)
    middle = try VQMiddle("decoder.mid", inputs: block, &weights)
    levels = try VQLevel.read(
      "decoder.conv_blocks", inputs: middle.outputs, resampler: "upsample", sampling: .doubling,
      &weights)
    let channels = levels.last?.outputs ?? middle.outputs
    norm = try weights.norm("decoder.norm_out", channels: channels)
    output = try weights.convolution(
      "decoder.conv_out", inputs: channels, outputs: 3, kernel: 3)
  }

  func callAsFunction(_ codes: FeatureMap, on runner: Conv2DRunner) -> FeatureMap {
    var x = input.apply(postQuantize.apply(codes, on: runner), on: runner)
    x = middle(x, on: runner)
    for level in levels { x = level(x, on: runner) }
    return output.apply(x, through: norm.fitted(to: x, silu: true, on: runner), on: runner)
  }
}
