import Foundation

/// How a token is picked from logits, in LlamaGen's order: temperature, top-k, top-p, draw.
public struct Sampling: Sendable, Hashable {
  public let temperature: Float
  /// Tokens that stay in the draw, ties with the last one included; 0 keeps all.
  public let topK: Int
  /// Probability that stays: the likeliest tokens up to the one that crosses it; 1 keeps all.
  public let topP: Float
  /// Takes the likeliest token, the first on ties, and draws nothing.
  public let greedy: Bool

  /// - Throws: ``OptionError`` naming the value out of range.
  public init(
    temperature: Float = 1, topK: Int = 2000, topP: Float = 1, greedy: Bool = false
  ) throws(OptionError) {
    guard temperature > 0, temperature.isFinite else {
      throw OptionError("temperature", "\(temperature)", "above 0")
    }
    guard topK >= 0 else { throw OptionError("top-k", "\(topK)", "0 (all) or more") }
    guard topP > 0, topP <= 1 else { throw OptionError("top-p", "\(topP)", "above 0, at most 1") }
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.greedy = greedy
  }
}

/// A setting outside its range.
public struct OptionError: Error, Sendable, Equatable, CustomStringConvertible {
  public let name: String
  public let found: String
  public let expected: String

  public init(_ name: String, _ found: String, _ expected: String) {
    self.name = name
    self.found = found
    self.expected = expected
  }

  public var description: String { "\(name) is \(found); it must be \(expected)" }
}

/// Picks tokens; owns the scratch memory that this takes, so that picking allocates nothing.
struct Sampler: ~Copyable {
  let sampling: Sampling
  private var order: [Int32]
  private var weights: [Double]

  init(_ sampling: Sampling, vocabulary: Int) {
    self.sampling = sampling
    order = Array(repeating: 0, count: vocabulary)
    weights = Array(repeating: 0, count: vocabulary)
  }

  /// Picks from `logits` with the random number `uniform` in [0, 1).
  ///
  /// Candidates are laid end to end in the order of their index, each as long as its probability;
  /// the one that covers `uniform` is picked.
  /// - Complexity: O(v) expected; O(v log v) with top-p.
  mutating func pick(_ logits: Span<Float>, uniform: Double) -> Int32 {
    let best = Self.argmax(logits)
    if sampling.greedy || sampling.topK == 1 { return Int32(best) }
    let count = logits.count
    var threshold = -Float.infinity
    if sampling.topK > 0 && sampling.topK < count { threshold = kthLargest(logits, sampling.topK) }
    let top = Double(logits[best])
    let scale = 1 / Double(sampling.temperature)
    var total = 0.0
    for index in 0..<count {
      let weight =
        logits[index] >= threshold ? exp((Double(logits[index]) - top) * scale) : 0
      weights[index] = weight
      total += weight
    }
    if sampling.topP < 1 { total = cutTail(total) }
    var left = uniform * total
    var last = best
    for index in 0..<count where weights[index] > 0 {
      last = index
      left -= weights[index]
      if left < 0 { return Int32(index) }
    }
    return Int32(last)
  }

  /// The same for an array.
  mutating func pick(_ logits: [Float], uniform: Double) -> Int32 {
    pick(logits.span, uniform: uniform)
  }

  static func argmax(_ logits: Span<Float>) -> Int {
    var best = 0
    for index in 1..<max(logits.count, 1) where logits[index] > logits[best] { best = index }
    return best
  }

  /// The k-th largest logit, by quickselect on the scratch order.
  private mutating func kthLargest(_ logits: Span<Float>, _ k: Int) -> Float {
    for index in order.indices { order[index] = Int32(index) }
    var low = 0
    var high = order.count - 1
    let target = k - 1
    while low < high {
      let pivot = logits[Int(order[(low + high) / 2])]
      var i = low
      var j = high
      while i <= j {
        while logits[Int(order[i])] > pivot { i += 1 }
        while logits[Int(order[j])] < pivot { j -= 1 }
        if i <= j {
          order.swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if target <= j { high = j } else if target >= i { low = i } else { break }
    }
    return logits[Int(order[target])]
  }

  /// Sets to zero what lies behind the token that crosses top-p; returns the weight that stays.
  private mutating func cutTail(_ total: Double) -> Double {
    var count = 0
    for index in weights.indices where weights[index] > 0 {
      order[count] = Int32(index)
      count += 1
    }
    // A heap hands out the candidates from the likeliest on, and only as many as are needed.
    for root in stride(from: count / 2 - 1, through: 0, by: -1) { sift(root, count) }
    var kept = 0.0
    while count > 0 && kept <= Double(sampling.topP) * total {
      kept += weights[Int(order[0])]
      count -= 1
      order.swapAt(0, count)
      sift(0, count)
    }
    for index in 0..<count { weights[Int(order[index])] = 0 }
    return kept
  }

  private func isBefore(_ a: Int32, _ b: Int32) -> Bool {
    let (x, y) = (weights[Int(a)], weights[Int(b)])
    return x != y ? x > y : a < b
  }

  private mutating func sift(_ root: Int, _ count: Int) {
    var parent = root
    while true {
      var child = 2 * parent + 1
      guard child < count else { return }
      if child + 1 < count && isBefore(order[child + 1], order[child]) { child += 1 }
      guard isBefore(order[child], order[parent]) else { return }
      order.swapAt(child, parent)
      parent = child
    }
  }
}
