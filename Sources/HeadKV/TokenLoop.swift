import HeadKVModels

/// The inner loop of a batch and the memory it works in; picking and feeding allocate nothing.
package struct TokenLoop: ~Copyable {
  private let scale: Float
  private let pictures: [PictureRequest]
  private let length: Int
  private var sampler: any TokenSampler
  private var mixed: [Float]
  private var drawn: [Int32]
  private var rows: [StepRow] = []

  /// - Parameters:
  ///   - pictures: those of the batch, for their seeds.
  ///   - length: tokens of a picture.
  package init(
    guidanceScale: Float, pictures: [PictureRequest], length: Int, vocabulary: Int,
    sampler: any TokenSampler
  ) {
    scale = guidanceScale
    self.pictures = pictures
    self.length = length
    self.sampler = sampler
    mixed = Array(repeating: 0, count: vocabulary)
    drawn = Array(repeating: 0, count: pictures.count * length)
    rows.reserveCapacity(pictures.count * 2)
  }

  private var images: Int { pictures.count }

  /// The first `count` tokens of a picture.
  package func tokens(_ image: Int, count: Int) -> [Int32] {
    Array(drawn[image * length..<image * length + count])
  }

  /// Takes a picture's first tokens as drawn.
  ///
  /// - Precondition: no more than a picture has.
  mutating func take(_ image: Int, _ tokens: [Int32]) {
    precondition(tokens.count <= length, "more tokens than a picture has")
    drawn.replaceSubrange(image * length..<image * length + tokens.count, with: tokens)
  }

  /// Draws token `token` of each picture from the engine's logits.
  ///
  /// Sequence i is the conditional branch of picture i; the unconditional ones follow.
  package mutating func pick(_ token: Int, _ engine: DecodeEngine, guided: Bool) {
    for image in 0..<images {
      if guided {
        engine.withLogits(image) { conditional in
          engine.withLogits(images + image) { unconditional in
            for code in mixed.indices {
              mixed[code] =
                unconditional[code] + scale * (conditional[code] - unconditional[code])
            }
          }
        }
      } else {
        engine.withLogits(image) { logits in
          for code in mixed.indices { mixed[code] = logits[code] }
        }
      }
      // A second reference and no copy: the sampler may not reach into the loop itself.
      let logits = mixed
      let random = Philox(key: pictures[image].seed(ofToken: token))
      let code = sampler.pick(logits.span, uniform: random.uniform(token))
      precondition(code >= 0 && code < logits.count, "a sampler picks one of the codes")
      drawn[image * length + token] = code
    }
  }

  /// Feeds token `token` to both branches of each picture, or to the conditional one only.
  package mutating func feed(_ token: Int, _ engine: DecodeEngine, guided: Bool) {
    rows.removeAll(keepingCapacity: true)
    for branch in 0..<(guided ? 2 : 1) {
      for image in 0..<images {
        rows.append(
          StepRow(
            sequence: branch * images + image, token: drawn[image * length + token],
            position: Int32(token)))
      }
    }
    engine.step(rows)
  }
}
