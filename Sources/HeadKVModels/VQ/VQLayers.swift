import Foundation
import HeadKVMath
import HeadKVWeights

/// Reads the layers of the tokenizer by name and keeps account of the tensors.
struct VQLoader {
  let catalog: TensorCatalog
  private(set) var taken: Set<String> = []

  init(_ catalog: TensorCatalog) { self.catalog = catalog }

  func has(_ name: String) -> Bool { catalog[name] != nil }

  mutating func floats(_ name: String, _ shape: [Int]) throws(ModelError) -> [Float] {
    taken.insert(name)
    do { return try catalog.tensor(name, shape: shape).floats() } catch { throw .weights(error) }
  }

  /// A convolution whose channel counts are read from its weight.
  mutating func convolution(
    _ name: String, kernel: Int = 3, stride: Int = 1, from channels: Int? = nil
  ) throws(ModelError) -> Conv2D {
    guard let info = catalog[name + ".weight"] else {
      throw .missing(file: catalog.path, tensors: [name + ".weight"])
    }
    let shape = info.shape
    guard shape.count == 4, shape[2] == kernel, shape[3] == kernel, shape.allSatisfy({ $0 > 0 }),
      channels == nil || shape[1] == channels
    else {
      throw .weights(
        WeightError(
          catalog.path,
          .shape(expected: [shape.first ?? 0, channels ?? 0, kernel, kernel], found: shape),
          tensor: name + ".weight"))
    }
    let edge = kernel / 2
    return Conv2D(
      inChannels: shape[1], outChannels: shape[0], kernel: kernel, stride: stride,
      padding: stride == 2 ? (0, 1) : (edge, edge),
      weight: try floats(name + ".weight", shape), bias: try floats(name + ".bias", [shape[0]]))
  }

  mutating func norm(_ name: String, _ channels: Int) throws(ModelError) -> GroupNorm {
    guard channels % 32 == 0 else {
      throw .notAModel(
        file: catalog.path, reason: "\(name) has \(channels) channels, not a multiple of 32")
    }
    return GroupNorm(
      weight: try floats(name + ".weight", [channels]),
      bias: try floats(name + ".bias", [channels]))
  }

  mutating func residual(_ name: String, _ channels: Int) throws(ModelError) -> ResidualBlock {
    let norm1 = try norm(name + ".norm1", channels)
    let conv1 = try convolution(name + ".conv1", from: channels)
    return ResidualBlock(
      norm1: norm1, conv1: conv1, norm2: try norm(name + ".norm2", conv1.outChannels),
      conv2: try convolution(name + ".conv2", from: conv1.outChannels),
      shortcut: has(name + ".nin_shortcut.weight")
        ? try convolution(name + ".nin_shortcut", kernel: 1, from: channels) : nil)
  }

  mutating func attention(_ name: String, _ channels: Int) throws(ModelError) -> SpatialAttention {
    SpatialAttention(
      norm: try norm(name + ".norm", channels),
      query: try convolution(name + ".q", kernel: 1, from: channels),
      key: try convolution(name + ".k", kernel: 1, from: channels),
      value: try convolution(name + ".v", kernel: 1, from: channels),
      output: try convolution(name + ".proj_out", kernel: 1, from: channels))
  }
}

/// A stage of the tokenizer's networks.
protocol VQStage: Sendable {
  func callAsFunction(_ x: FeatureMap, _ pool: WorkerPool) -> FeatureMap
}

struct GroupNorm: Sendable {
  let weight: [Float]
  let bias: [Float]

  func callAsFunction(_ x: FeatureMap) -> FeatureMap {
    x.groupNormalised(groups: 32, weight: weight, bias: bias)
  }
}

struct ResidualBlock: VQStage {
  let norm1: GroupNorm
  let conv1: Conv2D
  let norm2: GroupNorm
  let conv2: Conv2D
  let shortcut: Conv2D?

  func callAsFunction(_ x: FeatureMap, _ pool: WorkerPool) -> FeatureMap {
    var h = norm1(x)
    h.silu()
    h = norm2(conv1(h, pool: pool))
    h.silu()
    h = conv2(h, pool: pool)
    h.add(shortcut.map { $0(x, pool: pool) } ?? x)
    return h
  }
}

/// Attention of every cell to every cell, one head, scale channels^-0.5.
struct SpatialAttention: VQStage {
  let norm: GroupNorm
  let query: Conv2D
  let key: Conv2D
  let value: Conv2D
  let output: Conv2D

  func callAsFunction(_ x: FeatureMap, _ pool: WorkerPool) -> FeatureMap {
    let h = norm(x)
    let (q, k, v) = (query(h, pool: pool), key(h, pool: pool), value(h, pool: pool))
    let (cells, channels) = (x.cells, x.channels)
    let scale = 1 / Double(channels).squareRoot()
    var mixed = FeatureMap(channels: channels, height: x.height, width: x.width)
    var weights = [Double](repeating: 0, count: cells)
    for cell in 0..<cells {
      for other in 0..<cells {
        var dot: Float = 0
        for c in 0..<channels { dot += q.values[c * cells + cell] * k.values[c * cells + other] }
        weights[other] = Double(dot) * scale
      }
      let top = weights.max() ?? 0
      var sum = 0.0
      for other in 0..<cells {
        weights[other] = exp(weights[other] - top)
        sum += weights[other]
      }
      for c in 0..<channels {
        var total = 0.0
        for other in 0..<cells { total += weights[other] * Double(v.values[c * cells + other]) }
        mixed.values[c * cells + cell] = Float(total / sum)
      }
    }
    var out = output(mixed, pool: pool)
    out.add(x)
    return out
  }
}

struct Upsample: VQStage {
  let conv: Conv2D
  func callAsFunction(_ x: FeatureMap, _ pool: WorkerPool) -> FeatureMap {
    conv(x.doubled, pool: pool)
  }
}

struct PlainConvolution: VQStage {
  let conv: Conv2D
  func callAsFunction(_ x: FeatureMap, _ pool: WorkerPool) -> FeatureMap { conv(x, pool: pool) }
}

/// Norm, SiLU and the last convolution.
struct OutputStage: VQStage {
  let norm: GroupNorm
  let conv: Conv2D
  func callAsFunction(_ x: FeatureMap, _ pool: WorkerPool) -> FeatureMap {
    var h = norm(x)
    h.silu()
    return conv(h, pool: pool)
  }
}
