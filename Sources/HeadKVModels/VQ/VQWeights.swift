import HeadKVMath
import HeadKVWeights

/// Takes the tensors of a VQ tokenizer out of a catalog, checks their shapes and remembers which
/// ones it took.
struct VQWeights {
  let catalog: TensorCatalog
  private(set) var used: Set<String> = []
  private let arena = WeightArena()

  init(_ catalog: TensorCatalog) { self.catalog = catalog }

  func has(_ name: String) -> Bool { catalog[name] != nil }

  /// The shape of a tensor of `rank` axes, each at least 1. Throws if it is missing or different.
  func shape(_ name: String, rank: Int) throws(VQError) -> [Int] {
    guard let info = catalog[name] else {
      throw VQError(WeightError(file: catalog.path, tensor: name, problem: .missingTensor))
    }
    guard info.shape.count == rank, info.shape.allSatisfy({ $0 > 0 }) else {
      throw VQError(
        "\(catalog.path): tensor \(name): expected \(rank) axes, found shape \(info.shape)")
    }
    return info.shape
  }

  /// The values of a tensor of `shape`. Throws if it is missing, different or not of numbers.
  mutating func floats(_ name: String, _ shape: [Int]) throws(VQError) -> [Float] {
    let found = try self.shape(name, rank: shape.count)
    guard found == shape else {
      throw VQError(
        WeightError(
          file: catalog.path, tensor: name,
          problem: .shapeMismatch(expected: shape, found: found)))
    }
    used.insert(name)
    do throws(WeightError) {
      let tensor = try catalog.tensor(name, shape: shape)
      // A weight is in memory once.
      defer { tensor.forgetPages() }
      return try tensor.floats()
    } catch { throw VQError(error) }
  }

  /// Channels that come out of the convolution `name`. Throws if it is missing or no convolution.
  func outputs(_ name: String) throws(VQError) -> Int { try shape(name + ".weight", rank: 4)[0] }

  /// The convolution `name` with weight [outputs, inputs, kernel, kernel] and bias [outputs].
  mutating func convolution(
    _ name: String, inputs: Int, outputs: Int, kernel: Int, sampling: Conv2D.Sampling = .same
  ) throws(VQError) -> Conv2D {
    let weight = try floats(name + ".weight", [outputs, inputs, kernel, kernel])
    let bias = try floats(name + ".bias", [outputs])
    return Conv2D(
      weight: weight, bias: bias, inputs: inputs, outputs: outputs, kernel: kernel,
      sampling: sampling, arena: arena)
  }

  /// The normalisation `name`. Throws also if its groups do not divide `channels`.
  mutating func norm(_ name: String, channels: Int) throws(VQError) -> GroupNorm {
    guard channels % GroupNorm.groups == 0 else {
      throw VQError(
        "\(catalog.path): tensor \(name).weight: \(channels) channels do not fall into \(GroupNorm.groups) groups"
      )
    }
    return try GroupNorm(
      scale: floats(name + ".weight", [channels]), shift: floats(name + ".bias", [channels]))
  }

  /// One more than the largest n below 1000 for which a tensor is named `prefix`n.something.
  func count(_ prefix: String) -> Int {
    catalog.tensors.reduce(0) { count, info in
      guard info.name.hasPrefix(prefix) else { return count }
      let digits = info.name.dropFirst(prefix.count).prefix { $0 != "." }
      guard let index = Int(digits), 0..<1000 ~= index else { return count }
      return max(count, index + 1)
    }
  }
}
