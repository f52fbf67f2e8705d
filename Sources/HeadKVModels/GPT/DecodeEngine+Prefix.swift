import Foundation
import HeadKVCache
import HeadKVMath

/// Prefixes: classes together, captions one by one.
extension DecodeEngine {
  /// Runs prefixes of one row, of sequences that follow one another.
  func runPrefixes(_ waiting: inout [(sequence: Int, prefix: PrefixInput)]) {
    guard let first = waiting.first?.sequence else { return }
    for (row, start) in waiting.enumerated() {
      unsafe scratch.setInput(row: row, start.prefix.embeddings.base)
      unsafe scratch.groups[row] = StepGroup(sequence: start.sequence, firstRow: row, rows: 1)
      unsafe scratch.positions[row] = -1
    }
    runLayers(rows: waiting.count, groups: waiting.count)
    keepOutput(rows: waiting.count, at: first)
    waiting.removeAll()
  }

  /// Runs a prefix of several rows, folded into one or row by row.
  func runPrefix(_ prefix: PrefixInput, of sequence: Int) {
    if shape.prefixRows == 1 {
      foldPrefix(prefix, into: sessions[sequence]!)
    } else {
      for row in 0..<prefix.rows {
        unsafe scratch.setInput(row: 0, prefix.embeddings.base + row * shape.width)
        unsafe scratch.groups[0] = StepGroup(sequence: sequence, firstRow: 0, rows: 1)
        unsafe scratch.positions[0] = -1
        runLayers(rows: 1, groups: 1)
      }
    }
    keepOutput(rows: 1, at: sequence)
  }

  /// Runs a caption of n tokens through the network and caches one row for each head.
  ///
  /// The prefix has zero queries and keys, so each of its rows attends evenly to itself and those
  /// before: attention is a running mean of V. A later query gives each of the n rows the logit 0,
  /// hence the weight 1 beside exp(q.k): one row with key 0, the mean of V and the logit bias
  /// log n stands for all of them exactly.
  private func foldPrefix(_ prefix: PrefixInput, into session: CacheSession) {
    let count = prefix.rows
    let shape = model.configuration
    let width = shape.dimension
    let x = AlignedBuffer<Float>(count: count * width, repeating: 0)
    let normed = AlignedBuffer<Float>(count: count * width, repeating: 0)
    let qkv = AlignedBuffer<Float>(count: count * 3 * width, repeating: 0)
    let means = AlignedBuffer<Float>(count: count * width, repeating: 0)
    let gate = AlignedBuffer<Float>(count: count * shape.hidden, repeating: 0)
    let up = AlignedBuffer<Float>(count: count * shape.hidden, repeating: 0)
    let zeroKey = AlignedBuffer<Float>(count: shape.headDimension, repeating: 0)
    let scratch = LinearScratch(
      rows: count, features: max(width, shape.hidden), packing: model.precision.packing,
      threads: pool.threads)
    let stream = unsafe x.matrix(rows: count, columns: width)
    let norm = unsafe normed.matrix(rows: count, columns: width)
    let projected = unsafe qkv.matrix(rows: count, columns: 3 * width)
    let mean = unsafe means.matrix(rows: count, columns: width)
    unsafe x.base.update(from: prefix.embeddings.base, count: count * width)

    for (index, layer) in model.layers.enumerated() {
      unsafe model.normalise(stream, layer.attentionNorm, into: norm)
      unsafe layer.queryKeyValue.apply(
        norm, into: projected, exactRows: false, scratch: scratch, pool: pool)
      for column in 0..<width {
        var sum = 0.0
        for row in 0..<count {
          sum += unsafe Double(projected.row(row)[2 * width + column])
          unsafe mean.row(row)[column] = Float(sum / Double(row + 1))
        }
      }
      for head in 0..<shape.heads {
        unsafe session.rows(layer: index, head: head).append(
          key: zeroKey.base, value: mean.row(count - 1) + head * shape.headDimension,
          CacheRow(position: -1, birth: 0, bias: log(Float(count))))
      }
      unsafe layer.attentionOutput.apply(
        mean, into: stream, accumulate: true, exactRows: false, scratch: scratch, pool: pool)
      unsafe model.normalise(stream, layer.feedForwardNorm, into: norm)
      let hidden = unsafe gate.matrix(rows: count, columns: shape.hidden)
      unsafe FeedForwardWork.run(
        layer, norm, gate: hidden, up: up.matrix(rows: count, columns: shape.hidden),
        scratch: scratch, pool: pool)
      unsafe layer.down.apply(
        hidden, into: stream, accumulate: true, exactRows: false, scratch: scratch, pool: pool)
    }
    session.adoptPrefix(rows: 1)
    unsafe self.scratch.setInput(row: 0, stream.row(count - 1))
  }
}
