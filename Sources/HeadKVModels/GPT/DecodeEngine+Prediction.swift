import HeadKVMath

/// From the residual stream to logits.
extension DecodeEngine {
  /// Keeps the final norm of the first `rows` rows of the stream, from row `first` on, for the output
  /// head.
  func keepOutput(rows: Int, at first: Int) {
    unsafe model.normalise(
      scratch.input.rows(0, count: rows), model.norm,
      into: scratch.predicting.rows(first, count: rows))
  }

  /// Logits of sequences that have begun, each of which has the row of its number.
  func predict(begun sequences: [Int], _ guidance: Guidance?) {
    for sequence in sequences {
      logitRow[sequence] = guidance.map { sequence < $0.pictures } ?? true ? sequence : -1
    }
    if let guidance {
      for sequence in sequences where sequence < guidance.pictures {
        precondition(
          sequences.contains(sequence + guidance.pictures),
          "both branches of a guided picture begin together")
        mix(sequence, sequence + guidance.pictures, guidance, into: sequence)
      }
    }
    var rows = sequences.filter { logitRow[$0] >= 0 }.sorted()[...]
    while let first = rows.first {
      let run = rows.enumerated().prefix { $1 == first + $0 }.count
      predict(from: first, rows: run)
      rows.removeFirst(run)
    }
  }

  /// Logits of the sequences of a step.
  func predict(rows: Int, groups: Int, _ guidance: Guidance?) {
    for sequence in logitRow.indices { logitRow[sequence] = -1 }
    guard let guidance else {
      for index in 0..<groups {
        let group = unsafe scratch.groups[index]
        logitRow[group.sequence] = group.firstRow
      }
      return predict(from: 0, rows: rows)
    }
    // Rows move forward only, onto such as have been mixed: no branch stands before its picture's
    // place among the pictures.
    var mixed = 0
    for index in 0..<groups {
      let group = unsafe scratch.groups[index]
      guard group.sequence < guidance.pictures else { continue }
      let other = self.group(ofSequence: group.sequence + guidance.pictures, index..<groups)
      precondition(
        unsafe scratch.groups[other].rows == group.rows, "branches step with as many rows each")
      logitRow[group.sequence] = mixed
      for row in 0..<group.rows {
        unsafe mix(
          group.firstRow + row, scratch.groups[other].firstRow + row, guidance, into: mixed)
        mixed += 1
      }
    }
    precondition(2 * mixed == rows, "under guidance both branches of a picture step")
    predict(from: 0, rows: mixed)
  }

  private func group(ofSequence sequence: Int, _ groups: Range<Int>) -> Int {
    for group in groups where unsafe scratch.groups[group].sequence == sequence { return group }
    preconditionFailure("the other branch of a guided picture steps after the conditional one")
  }

  private func mix(_ conditional: Int, _ unconditional: Int, _ guidance: Guidance, into row: Int) {
    let rows = unsafe scratch.predicting
    unsafe guidance.mix(
      rows.row(conditional), rows.row(unconditional), count: rows.columns, into: rows.row(row))
  }

  /// The output head.
  private func predict(from first: Int, rows: Int) {
    unsafe model.output.apply(
      scratch.predicting.rows(first, count: rows), into: scratch.logits.rows(first, count: rows),
      scratch: scratch.linear, pool: pool)
  }
}
