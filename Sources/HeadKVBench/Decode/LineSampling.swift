import HeadKV

/// Which lines of a picture are timed under a full cache.
///
/// What a step costs there depends on the number of rows alone, so that lines spread evenly over
/// the picture tell its mean and the others only have to fill the cache.
package struct LineSampling: Sendable, Equatable {
  /// One line of so many is timed.
  package let every: Int

  package static let everyLine = LineSampling(every: 1)

  /// - Precondition: `every` is positive.
  package init(every: Int) {
    precondition(every > 0, "one line of none")
    self.every = every
  }

  /// Whether a line is timed: the middle one of each block of `every` lines. Of an even number it
  /// is in turn the later and the earlier one, so that the lines' mean place is the picture's.
  package func takes(line: Int) -> Bool {
    let middle = line / every % 2 == 0 ? every / 2 : (every - 1) / 2
    return line % every == middle
  }
}

/// Puts rows into a full cache without drawing.
enum CacheFilling {
  /// Appends a row to every head for each of `positions`.
  static func fill(_ session: CacheSession, positions: Range<Int>) {
    let shape = session.shape
    // Small numbers that differ: what they are does not matter to time.
    let row = (0..<2 * shape.headDimension).map { Float($0 % 17) * 0.01 - 0.08 }
    unsafe row.withUnsafeBufferPointer { row in
      let key = row.baseAddress!
      for position in positions {
        session.openStep(rows: 1, isPrefix: false)
        for layer in 0..<shape.layers {
          for head in 0..<shape.heads {
            unsafe session.rows(layer: layer, head: head).append(
              key: key, value: key + shape.headDimension,
              CacheRow(position: Int32(position), birth: session.steps))
          }
        }
        session.finishStep()
      }
    }
  }
}
