/// The budgets that a policy may be given, and what each takes.
struct CacheSearch {
  let need: MemoryNeed
  let policy: PolicyChoice
  let shape: SequenceShape
  let sequences: Int

  /// What a picture takes under `choice`.
  func need(_ choice: PolicyChoice) throws(PolicyError) -> MemoryNeed {
    need.holding(try choice.policy(for: shape).memory, sequences: sequences)
  }

  /// Whether the policy can be made as it was asked for; false if it wants a budget.
  ///
  /// - Throws: ``PolicyError`` if it can be made with no budget either.
  var isWhole: Bool {
    get throws(PolicyError) {
      do { _ = try policy.policy(for: shape) } catch {
        guard case .budgetMissing = error else { throw error }
        return false
      }
      return true
    }
  }

  /// The policy with the largest budget for which `fits` holds; nil if there is none, or if the
  /// budget is not ours to choose.
  func largest(where fits: (PolicyChoice) throws -> Bool) throws -> PolicyChoice? {
    guard let least else { return nil }
    guard policy.budget == nil, policy.name != "full" else { return nil }
    guard try fits(rows(least)) else { return nil }
    var (low, high) = (least, shape.fullRows)
    while low < high {
      let middle = (low + high + 1) / 2
      if try fits(rows(middle)) { low = middle } else { high = middle - 1 }
    }
    return rows(low)
  }

  /// The policy with the smallest budget that it can be made with, or as it was asked for if that
  /// names one.
  var smallest: PolicyChoice {
    guard policy.budget == nil, policy.name != "full", let least else { return policy }
    return rows(least)
  }

  private func rows(_ count: Int) -> PolicyChoice {
    var choice = policy
    choice.budget = .rows(count)
    return choice
  }

  /// Rows of a head below which the policy cannot be made; nil if it never can.
  private var least: Int? {
    func works(_ count: Int) -> Bool { (try? rows(count).policy(for: shape)) != nil }
    var (low, high) = (shape.prefixRows + 1, shape.fullRows)
    guard low <= high, works(high) else { return nil }
    while low < high {
      let middle = (low + high) / 2
      if works(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
