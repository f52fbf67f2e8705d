/// The rows go that have drawn the least attention so far.
///
/// H2O (Zhang et al., "H2O: Heavy-Hitter Oracle for Efficient Generative Inference of Large Language
/// Models", arXiv 2306.14048): a row's score is the sum of its softmax weights over all queries.
public struct HeavyHitterEviction: RowScorer, Hashable {
  public init() {}

  public func observe(_ head: HeadView, _ step: HeadStep) { head.addWeightsToScores() }
}
