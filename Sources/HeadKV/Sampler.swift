import Foundation
import HeadKVMath

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

/// Picks tokens as ``Sampling`` says; owns the scratch memory that this takes, so that picking
/// allocates nothing.
public struct Sampler: TokenSampler {
  public let sampling: Sampling
  private var selection: Selection
  /// The weight of each candidate, and the heap of top-p over them.
  private var weights: [Double]
  private var heap: [Int32]

  /// - Precondition: at least one code.
  public init(_ sampling: Sampling, vocabulary: Int) {
    precondition(vocabulary > 0, "a vocabulary has codes")
    self.sampling = sampling
    selection = Selection(count: vocabulary)
    weights = Array(repeating: 0, count: vocabulary)
    heap = Array(repeating: 0, count: sampling.topP < 1 ? vocabulary : 0)
  }

  /// Picks from `logits` with the random number `uniform` in [0, 1).
  ///
  /// Candidates are laid end to end in the order of their index, each as long as its probability;
  /// the one that covers `uniform` is picked.
  /// - Complexity: O(v) expected; O(v log v) with top-p.
  /// - Precondition: as many logits as codes.
  public mutating func pick(_ logits: Span<Float>, uniform: Double) -> Int32 {
    precondition(logits.count == weights.count, "a logit for each code")
    if sampling.greedy || sampling.topK == 1 { return Int32(Self.argmax(logits)) }
    let extent = Extent(logits)
    let count = selection.candidates(logits, extent, atLeast: sampling.topK)
    let top = Double(extent.most)
    let scale = 1 / Double(sampling.temperature)
    var total = 0.0
    for index in 0..<count {
      let weight = exp((Double(logits[Int(selection[index])]) - top) * scale)
      weights[index] = weight
      total += weight
    }
    if sampling.topP < 1 { total = cutTail(total, count) }
    var left = uniform * total
    var last: Int32?
    for index in 0..<count where weights[index] > 0 {
      last = selection[index]
      left -= weights[index]
      if left < 0 { return selection[index] }
    }
    return last ?? Int32(Self.argmax(logits))
  }

  /// The same for an array.
  package mutating func pick(_ logits: [Float], uniform: Double) -> Int32 {
    pick(logits.span, uniform: uniform)
  }

  /// The likeliest token, the first on ties.
  package static func argmax(_ logits: Span<Float>) -> Int {
    var best = 0
    for index in 1..<max(logits.count, 1) where logits[index] > logits[best] { best = index }
    return best
  }

  /// Sets to zero what lies behind the candidate that crosses top-p; returns the weight that stays.
  private mutating func cutTail(_ total: Double, _ candidates: Int) -> Double {
    var count = 0
    for index in 0..<candidates where weights[index] > 0 {
      heap[count] = Int32(index)
      count += 1
    }
    // A heap hands out the candidates from the likeliest on, and only as many as are needed.
    for root in stride(from: count / 2 - 1, through: 0, by: -1) { sift(root, count) }
    var kept = 0.0
    while count > 0 && kept <= Double(sampling.topP) * total {
      kept += weights[Int(heap[0])]
      count -= 1
      heap.swapAt(0, count)
      sift(0, count)
    }
    for index in 0..<count { weights[Int(heap[index])] = 0 }
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
      if child + 1 < count && isBefore(heap[child + 1], heap[child]) { child += 1 }
      guard isBefore(heap[child], heap[parent]) else { return }
      heap.swapAt(child, parent)
      parent = child
    }
  }
}
