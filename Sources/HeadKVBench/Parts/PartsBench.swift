import HeadKV
import HeadKVMath

/// Times the parts of the work one by one, all of them once a round.
package struct PartsBench {
  /// What can be timed on its own.
  package enum Kind: String, Sendable, CaseIterable {
    case projections, attention, head, sampling, eviction, vq, load
  }

  package var kinds: [Kind]
  package var shapes: [GPTPreset]
  package var grids: [Int]
  package var precisions: [WeightPrecision]
  package var batches: [Int]
  package var policies: [String]
  package var budgets: [BudgetText]
  package var elements: [CacheElement]
  package var rounds: Int
  /// Rounds that do not count.
  package var warmup: Int

  package init(
    kinds: [Kind], shapes: [GPTPreset], grids: [Int], precisions: [WeightPrecision],
    batches: [Int], policies: [String], budgets: [BudgetText],
    elements: [CacheElement] = [.f32], rounds: Int, warmup: Int
  ) {
    self.kinds = kinds
    self.shapes = shapes
    self.grids = grids
    self.precisions = precisions
    self.batches = batches
    self.policies = policies
    self.budgets = budgets
    self.elements = elements
    self.rounds = rounds
    self.warmup = warmup
  }

  /// - Throws: whatever a part does on being made: ``PolicyError``, ``WeightError``.
  package func run(
    pool: WorkerPool, bandwidth: ReadBandwidth, progress: (String) -> Void
  ) throws -> [PartResult] {
    bandwidth.measure()
    var results: [PartResult] = []
    // Parts of a kind at a time: all at once would take too much memory.
    for kind in kinds {
      for shape in usesShapes(kind) ? shapes : [shapes[0]] {
        progress("\(kind.rawValue), \(shape.name)")
        results += try time(makeParts(kind, shape, pool), bandwidth)
        bandwidth.measure()
      }
    }
    for index in results.indices { results[index].bandwidth = Bandwidth(bandwidth) }
    return results
  }

  private func usesShapes(_ kind: Kind) -> Bool { kind != .sampling && kind != .vq }

  private func time(
    _ parts: [any BenchPart], _ bandwidth: ReadBandwidth
  ) throws -> [PartResult] {
    var times = [[Double]](repeating: [], count: parts.count)
    var readings = times
    for round in 0..<warmup + rounds {
      for (index, part) in parts.enumerated() {
        let time = try part.run()
        let reading = bandwidth.sample()
        guard round >= warmup else { continue }
        times[index].append(time)
        readings[index].append(reading)
      }
    }
    return parts.indices.map {
      PartResult(
        label: parts[$0].label, milliseconds: times[$0], readings: readings[$0],
        bytesPerUnit: parts[$0].bytesPerUnit)
    }
  }

  private func makeParts(
    _ kind: Kind, _ shape: GPTPreset, _ pool: WorkerPool
  ) throws -> [any BenchPart] {
    switch kind {
    case .projections:
      products { ProductsPart.projections(shape, precision: $0, batch: $1, pool: pool) }
    case .head: products { ProductsPart.head(shape, precision: $0, batch: $1, pool: pool) }
    case .attention: try attention(shape, pool)
    case .sampling: try batches.map { try SamplingPart(batch: $0, pool: pool) }
    case .eviction: try evictions(shape, pool)
    case .vq: [try TokenizerPart(pool: pool)]
    case .load: try loads(shape, pool)
    }
  }

  private func products(
    _ make: (WeightPrecision, Int) -> ProductsPart
  ) -> [any BenchPart] {
    precisions.flatMap { precision in batches.map { make(precision, $0) } }
  }

  /// Attention over the full cache and over each budget.
  private func attention(_ shape: GPTPreset, _ pool: WorkerPool) throws -> [any BenchPart] {
    var parts: [any BenchPart] = []
    for grid in grids {
      let cache = GPTConfiguration(shape, grid: TokenGrid(width: grid, height: grid)).sequenceShape
      var rows: [Int] = []
      for budget in [.full] + budgets {
        let kept = try budget.budget.rowsPerHead(cache)
        if !rows.contains(kept) { rows.append(kept) }
      }
      for batch in batches {
        for element in elements {
          parts += rows.map {
            AttentionPart(
              shape, batch: batch, rows: $0, grid: grid, element: element, pool: pool)
          }
        }
      }
    }
    return parts
  }

  private func evictions(_ shape: GPTPreset, _ pool: WorkerPool) throws -> [any BenchPart] {
    let matrix = try DecodeMatrix(
      shapes: [shape], grids: grids, precisions: [.auto], batches: batches, policies: policies,
      budgets: budgets, elements: elements)
    return try matrix.settings.map {
      try EvictionPart(
        shape, grid: $0.grid, batch: $0.batch, policy: $0.policy, budget: $0.budget,
        element: $0.element, pool: pool)
    }
  }

  private func loads(_ shape: GPTPreset, _ pool: WorkerPool) throws -> [any BenchPart] {
    let file = try RandomFile(model: shape)
    return precisions.map { LoadPart(file, shape, precision: $0, pool: pool) }
  }
}
