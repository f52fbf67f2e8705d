/// Picks a token from logits.
///
/// A sampler belongs to one picture and is asked for one token after another, from any thread, while
/// others of its make pick for other pictures: it may own scratch memory, and must not allocate. What
/// it picks has to depend on its arguments alone, else a picture that is saved goes on as another.
///
/// ``Generator/init(gpt:options:sampler:)`` takes a function that makes one. ``Sampler`` is the one
/// that comes with the package.
public protocol TokenSampler {
  /// The index of the code picked.
  ///
  /// - Parameters:
  ///   - logits: `[vocabulary]`, after guidance.
  ///   - uniform: the random number of the picture's token, in [0, 1).
  /// - Returns: an index below the number of logits; anything else traps.
  mutating func pick(_ logits: Span<Float>, uniform: Double) -> Int32
}

/// Makes a sampler for a vocabulary of so many codes; asked for one for each picture of a batch.
public typealias TokenSamplerMaker = @Sendable (_ vocabulary: Int) -> sending any TokenSampler
