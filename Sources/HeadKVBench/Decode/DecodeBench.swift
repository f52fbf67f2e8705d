import HeadKV
import HeadKVMath

/// Times the settings of a matrix.
///
/// All settings of a group draw their pictures at the same time, a line each in turn, so that a
/// change of the machine's speed meets all of them and their ratios hold even after one round.
package struct DecodeBench {
  package var matrix: DecodeMatrix
  /// Steps of a round; nil for the whole picture.
  package var steps: Int?
  package var rounds: Int
  /// Steps of each setting that are drawn first and do not count.
  package var warmup: Int
  /// Which lines are timed under a full cache.
  package var sampling: LineSampling

  package init(
    _ matrix: DecodeMatrix, steps: Int? = nil, rounds: Int, warmup: Int,
    sampling: LineSampling = .everyLine
  ) {
    self.matrix = matrix
    self.steps = steps
    self.rounds = rounds
    self.warmup = warmup
    self.sampling = sampling
  }

  /// - Throws: ``DecodeMatrixError`` if a setting takes more memory than the machine has.
  package func run(
    pool: WorkerPool, bandwidth: ReadBandwidth, progress: (String) -> Void
  ) throws -> [DecodeResult] {
    let memory = MachineDescription.memoryBytes
    for setting in matrix.settings {
      let bytes =
        try setting.weightBytes + setting.makePolicy().memory.capBytes * setting.sequences
      guard bytes < memory else {
        throw DecodeMatrixError(
          problems: ["\(setting.name): takes \(bytes >> 20) MiB of memory, the machine has \(memory >> 20)"])
      }
    }
    bandwidth.measure()
    var runs: [DecodeResult] = []
    for group in try matrix.groups(bytes: memory / 2) {
      runs += try run(group, pool, bandwidth, progress)
    }
    // The limit is that of the whole run, for all rows alike.
    for index in runs.indices { runs[index].bandwidth = Bandwidth(bandwidth) }
    return runs
  }

  private func run(
    _ group: [DecodeSetting], _ pool: WorkerPool, _ bandwidth: ReadBandwidth,
    _ progress: (String) -> Void
  ) throws -> [DecodeResult] {
    var models: [WeightPrecision: GPT] = [:]
    let runs = try group.map { setting in
      let model =
        models[setting.precision]
        ?? GPT.random(setting.configuration, precision: setting.precision, pool: pool)
      models[setting.precision] = model
      return try DecodeRun(
        setting, model: model, steps: steps, sampling: sampling, pool: pool)
    }
    for run in runs { run.warmUp(steps: warmup) }
    let (length, line) = (runs[0].steps, group[0].grid)
    let name = "\(group[0].shape.name) \(line)x\(line), \(group.count) settings"
    for round in 0..<rounds {
      for run in runs { run.begin() }
      for (index, start) in stride(from: 0, to: length, by: line).enumerated() {
        progress("\(name): round \(round + 1) of \(rounds), step \(start) of \(length)")
        let range = start..<min(start + line, length)
        for run in runs { run.draw(line: index, range, sample: bandwidth.sample) }
      }
      for run in runs { run.end() }
      bandwidth.measure()
    }
    return runs.map { $0.result() }
  }
}
