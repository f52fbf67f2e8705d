import HeadKV

extension FuzzTarget {
  /// Saved pictures: caches that a policy accepts can be drawn on to the end.
  static let state = FuzzTarget("state") { bytes in
    let saved = try SavedPictures(TensorCatalog.read(bytes, name: "fuzz"))
    for snapshot in saved.pictures.flatMap(\.caches) {
      let shape = snapshot.shape
      guard shape.allHeads <= 16, shape.headDimension <= 64, shape.prefixRows <= 4,
        shape.grid.count <= 64
      else { continue }
      let policy = try saved.recipe.policyChoice().policy(for: shape)
      let session = try CacheSession(policy, restoring: snapshot)
      let again = session.snapshot()
      try BrokenLaw.unless(again.rows == snapshot.rows, "rows that change when they are restored")
      drawOn(session)
      try BrokenLaw.unless(
        session.tokens == shape.grid.count - 1 && session.byteCount <= policy.memory.capBytes,
        "\(session.tokens) tokens in \(session.byteCount) bytes")
    }
  }

  private static func drawOn(_ session: CacheSession) {
    let shape = session.shape
    let ones = [Float](repeating: 1, count: shape.heads * shape.headDimension)
    var output = ones
    while session.tokens < shape.grid.count - 1 {
      let isPrefix = session.snapshot().prefixRows < shape.prefixRows
      session.startStep(positions: [isPrefix ? -1 : Int32(session.tokens)].span)
      for layer in 0..<shape.layers {
        var span = output.mutableSpan
        session.attend(
          layer: layer, queries: ones.span, keys: ones.span, values: ones.span, into: &span)
      }
      session.endStep()
    }
  }
}
