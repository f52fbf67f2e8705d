/// How the two branches of guided pictures become one prediction: classifier-free guidance.
///
/// The logits of a picture are `u + scale * (c - u)`, with those of its conditional branch, c, and
/// of its unconditional one, u (Ho and Salimans, 2022, in LlamaGen's form). The output head is
/// linear, so what goes into it is mixed instead: half the products, and a rounding to the type of
/// the weights after the mixing and not before it, where the scale would multiply its error.
public struct Guidance: Sendable, Hashable {
  /// Weight of the conditional against the unconditional prediction.
  public let scale: Float
  /// Sequence i is the conditional branch of picture i, in `0..<pictures`, and sequence
  /// `pictures + i` the other one.
  public let pictures: Int

  /// - Precondition: at least one picture.
  public init(scale: Float, pictures: Int) {
    precondition(pictures > 0, "guidance is of pictures")
    self.scale = scale
    self.pictures = pictures
  }

  /// The two branches' rows mixed; `out` may be one of them.
  func mix(
    _ conditional: UnsafePointer<Float>, _ unconditional: UnsafePointer<Float>, count: Int,
    into out: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<count {
      let (c, u) = unsafe (conditional[index], unconditional[index])
      unsafe out[index] = u + scale * (c - u)
    }
  }
}
