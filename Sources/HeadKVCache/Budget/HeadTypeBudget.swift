/// Local heads keep a window, global ones the rest.
///
/// The budgets of HeadKV (Liang et al., arXiv 2605.20600, sections 4 and 5.1): a local head keeps
/// the prefix and its window, a global one its even share of the total, so that less than the total
/// is held. With `spendsAll` global heads share what local ones leave, and the sum is exact; heads
/// of a layer, or of a model, without a global one share it all.
public struct HeadTypeBudget: BudgetRule {
  /// What makes a head global.
  public enum Criterion: Sendable, Hashable {
    /// The mass tau lies within no fewer newest tokens than the window has.
    case reach
    /// The mass outside the query's row and the one above is more than this share of what an even
    /// head would have there: early in a picture there is little out there to look at.
    case farMass(Double)
  }

  public let criterion: Criterion
  /// Window of a local head.
  public let localWindow: WindowSize
  /// Newest rows of a global head that never go.
  public let globalWindow: WindowSize
  public let spendsAll: Bool
  public let scope: BudgetScope
  public var needsProfile: Bool { true }

  public init(
    criterion: Criterion = .reach, localWindow: WindowSize = .gridRows(2),
    globalWindow: WindowSize = .gridRows(2), spendsAll: Bool = false, scope: BudgetScope = .model
  ) {
    self.criterion = criterion
    self.localWindow = localWindow
    self.globalWindow = globalWindow
    self.spendsAll = spendsAll
    self.scope = scope
  }

  public func budgets(
    _ profile: HeadProfile?, total: Int, _ shape: SequenceShape
  ) throws(BudgetError) -> HeadMap<HeadBudget> {
    let profile = try checked(profile, shape)
    let even = try UniformBudget(window: localWindow).budgets(nil, total: total, shape)
    let evenFarMass = profile.evenFarMass
    let types = HeadMap(layers: shape.layers, heads: shape.heads) {
      type(of: profile.heads[$0, $1], window: even[$0, $1].window, evenFarMass)
    }
    let locals = HeadMap(layers: shape.layers, heads: shape.heads) {
      shape.prefixRows + even[$0, $1].window
    }
    var rows = HeadMap(layers: shape.layers, heads: shape.heads) {
      types[$0, $1] == .local ? locals[$0, $1] : even[$0, $1].rows
    }
    if spendsAll {
      rows = try Apportionment.split(
        total, weights: types.map { $0 == .local ? 0 : 1 }, floors: locals,
        ceilings: locals.map { _ in shape.fullRows }, scope: scope)
    }
    return HeadMap(layers: shape.layers, heads: shape.heads) {
      let (count, type) = (rows[$0, $1], types[$0, $1])
      return HeadBudget(
        rows: count,
        window: type == .local ? count - shape.prefixRows : globalWindow.rows(of: count, shape),
        type: type)
    }
  }

  private func type(
    of head: HeadStatistics, window: Int, _ evenFarMass: Double
  ) -> HeadType {
    switch criterion {
    case .reach: return head.type(window: window)
    case .farMass(let threshold):
      return head.farMass > threshold * evenFarMass ? .global : .local
    }
  }
}
