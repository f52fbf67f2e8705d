import HeadKVMath

/// x + conv2(silu(norm2(conv1(silu(norm1(x)))))), x through a 1x1 convolution if channels change.
struct VQResidual: Sendable {
  let norm1: GroupNorm, norm2: GroupNorm
  let conv1: Conv2D, conv2: Conv2D
  let shortcut: Conv2D?

  /// Reads the block `name`, whose input has `inputs` channels. Throws if a tensor does not fit.
  init(_ name: String, inputs: Int, _ weights: inout VQWeights) throws(VQError) {
    let outputs = try weights.outputs(name + ".conv1")
    norm1 = try weights.norm(name + ".norm1", channels: inputs)
    conv1 = try weights.convolution(name + ".conv1", inputs: inputs, outputs: outputs, kernel: 3)
    norm2 = try weights.norm(name + ".norm2", channels: outputs)
    conv2 = try weights.convolution(name + ".conv2", inputs: outputs, outputs: outputs, kernel: 3)
    shortcut =
      inputs == outputs
      ? nil
      : try weights.convolution(
        name + ".nin_shortcut", inputs: inputs, outputs: outputs, kernel: 1)
  }

  var outputs: Int { conv2.outputs }

  /// The output may be `x` itself, changed.
  func callAsFunction(_ x: FeatureMap, on runner: Conv2DRunner) -> FeatureMap {
    let h = conv1.apply(x, through: norm1.fitted(to: x, silu: true, on: runner), on: runner)
    let past = shortcut?.apply(x, on: runner) ?? x
    return conv2.apply(
      h, through: norm2.fitted(to: h, silu: true, on: runner), addedTo: past, on: runner)
  }
}

/// x + proj_out(attention of q, k, v of norm(x)).
struct VQAttention: Sendable {
  let norm: GroupNorm
  let q: Conv2D, k: Conv2D, v: Conv2D, projection: Conv2D

  /// Reads the block `name` of `channels` channels. Throws if a tensor does not fit.
  init(_ name: String, channels: Int, _ weights: inout VQWeights) throws(VQError) {
    func read(_ part: String, _ weights: inout VQWeights) throws(VQError) -> Conv2D {
      try weights.convolution(name + part, inputs: channels, outputs: channels, kernel: 1)
    }
    norm = try weights.norm(name + ".norm", channels: channels)
    q = try read(".q", &weights)
    k = try read(".k", &weights)
    v = try read(".v", &weights)
    projection = try read(".proj_out", &weights)
  }

  /// The output is `x` itself, changed.
  func callAsFunction(_ x: FeatureMap, on runner: Conv2DRunner) -> FeatureMap {
    let norm = norm.fitted(to: x, silu: false, on: runner)
    let mixed = SpatialAttention.apply(
      q: q.apply(x, through: norm, on: runner), k: k.apply(x, through: norm, on: runner),
      v: v.apply(x, through: norm, on: runner), on: runner)
    return projection.apply(mixed, addedTo: x, on: runner)
  }
}

/// Residual blocks at one resolution, each followed by attention if the level has any, and then a
/// change of resolution in all levels but the last.
struct VQLevel: Sendable {
  let residuals: [VQResidual]
  /// Empty, or one for each residual block.
  let attentions: [VQAttention]
  let resampling: Conv2D?
  let outputs: Int

  /// Reads the level `name`; `resampler` names its last convolution. Throws if a tensor does not
  /// fit.
  init(
    _ name: String, inputs: Int, resampler: String, sampling: Conv2D.Sampling, isLast: Bool,
    _ weights: inout VQWeights
  ) throws(VQError) {
    var channels = inputs
    var residuals: [VQResidual] = []
    var attentions: [VQAttention] = []
    let attends = weights.count("\(name).attn.") > 0
    // A level without a first block is reported as the missing tensor.
    for index in 0..<max(1, weights.count("\(name).res.")) {
      let residual = try VQResidual("\(name).res.\(index)", inputs: channels, &weights)
      channels = residual.outputs
      residuals.append(residual)
      if attends {
        try attentions.append(VQAttention("\(name).attn.\(index)", channels: channels, &weights))
      }
    }
    resampling =
      isLast
      ? nil
      : try weights.convolution(
        "\(name).\(resampler).conv", inputs: channels, outputs: channels, kernel: 3,
        sampling: sampling)
    self.residuals = residuals
    self.attentions = attentions
    outputs = channels
  }

  /// The output may be `input` itself, changed.
  func callAsFunction(_ input: FeatureMap, on runner: Conv2DRunner) -> FeatureMap {
    var x = input
    for (index, residual) in residuals.enumerated() {
      x = residual(x, on: runner)
      if !attentions.isEmpty { x = attentions[index](x, on: runner) }
    }
    return resampling?.apply(x, on: runner) ?? x
  }

  /// Reads the levels `name`.0, `name`.1 and so on. Throws if a tensor does not fit or there are
  /// more than ``maxCount`` levels.
  static func read(
    _ name: String, inputs: Int, resampler: String, sampling: Conv2D.Sampling,
    _ weights: inout VQWeights
  ) throws(VQError) -> [VQLevel] {
    let count = max(1, weights.count(name + "."))
    guard count <= maxCount else {
      throw VQError("\(weights.catalog.path): \(count) levels in \(name), at most \(maxCount)")
    }
    var levels: [VQLevel] = []
    var channels = inputs
    for index in 0..<count {
      let level = try VQLevel(
        "\(name).\(index)", inputs: channels, resampler: resampler, sampling: sampling,
        isLast: index == count - 1, &weights)
      channels = level.outputs
      levels.append(level)
    }
    return levels
  }

  static let maxCount = 10
}

/// Residual block, attention, residual block at the lowest resolution.
struct VQMiddle: Sendable {
  let first: VQResidual, attention: VQAttention, last: VQResidual

  /// Reads the blocks `name`.0 to `name`.2. Throws if a tensor does not fit.
  init(_ name: String, inputs: Int, _ weights: inout VQWeights) throws(VQError) {
    first = try VQResidual(name + ".0", inputs: inputs, &weights)
    attention = try VQAttention(name + ".1", channels: first.outputs, &weights)
    last = try VQResidual(name + ".2", inputs: first.outputs, &weights)
  }

  var outputs: Int { last.outputs }

  /// The output may be `x` itself, changed.
  func callAsFunction(_ x: FeatureMap, on runner: Conv2DRunner) -> FeatureMap {
    last(attention(first(x, on: runner), on: runner), on: runner)
  }
}
