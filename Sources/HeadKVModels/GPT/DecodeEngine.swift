import HeadKVCache
import HeadKVMath

/// Runs a GPT over a batch of sequences, each with a cache of its own.
///
/// Memory is allocated when the engine is made and when a sequence begins; a step allocates
/// nothing. What a sequence computes does not depend on the others in the batch, nor on the number
/// of threads, to the last bit. Not for use by two threads at a time.
@safe
public final class DecodeEngine {
  public let model: GPT
  public let policy: CachePolicy
  public let shape: SequenceShape
  /// Sequences that the engine has room for.
  public let capacity: Int
  let pool: WorkerPool
  let scratch: DecodeScratch
  /// What an error of each head's output counts for, where the policy measures it.
  private let gains: HeadMap<Float>?
  /// The sequences that have begun.
  private(set) var sessions: [CacheSession?]
  /// Row of the logits that belongs to a sequence; -1 if the last step gave it none.
  var logitRow: [Int]

  /// - Parameters:
  ///   - policy: what the caches keep, and in which type; nil is the full cache in f32.
  ///   - sequences: sequences to draw at a time; under guidance a picture has two.
  ///   - threads: threads that work on a step, the caller included.
  ///   - rowsPerStep: tokens of one sequence that a step takes at most.
  /// - Precondition: all three are positive, `threads` at most 1024; the policy was made for the
  ///   model's shape with `rowsPerStep`.
  public convenience init(
    model: GPT, policy: CachePolicy? = nil, sequences: Int, threads: Int, rowsPerStep: Int = 1
  ) {
    self.init(
      model: model, policy: policy, sequences: sequences, pool: WorkerPool(threads: threads),
      rowsPerStep: rowsPerStep)
  }

  /// - Parameter foldPrefix: whether a caption becomes one row of each head, which changes nothing
  ///   but the memory, or a row for each token.
  package init(
    model: GPT, policy: CachePolicy? = nil, sequences: Int, pool: WorkerPool, rowsPerStep: Int = 1,
    foldPrefix: Bool = true
  ) {
    precondition(sequences > 0 && rowsPerStep > 0, "an engine has sequences and steps have rows")
    self.model = model
    self.pool = pool
    capacity = sequences
    let configuration = model.configuration
    var prefixRows = 1
    if !foldPrefix, case .captions(let tokens, _) = configuration.conditioning {
      prefixRows = tokens
    }
    shape = SequenceShape(
      layers: configuration.layers, heads: configuration.heads,
      headDimension: configuration.headDimension, prefixRows: prefixRows, grid: configuration.grid,
      rowsPerStep: rowsPerStep, element: policy?.shape.element ?? .f32)
    precondition(policy == nil || policy?.shape == shape, "the policy is for other sequences")
    self.policy = policy ?? .full(shape)
    gains = self.policy.budgeter.distortion != nil ? model.outputGains(pool: pool) : nil
    scratch = DecodeScratch(
      configuration, precision: model.precision, rows: sequences * rowsPerStep,
      sequences: sequences, rowsPerStep: rowsPerStep, cacheRows: shape.fullRows,
      threads: pool.threads)
    sessions = Array(repeating: nil, count: sequences)
    logitRow = Array(repeating: -1, count: sequences)
  }

  // MARK: - Sequences

  /// Starts a sequence: gives it an empty cache and runs its prefix, whose last row predicts the
  /// first token.
  ///
  /// - Parameters:
  ///   - leader: the other branch of a guided picture, whose choice of rows this sequence follows.
  ///     The two then step together until either ends.
  ///   - observers: those that watch the cache of this sequence.
  /// - Throws: ``ModelError`` if the condition is not one of this model.
  /// - Precondition: `leader` has begun, has drawn nothing and leads no other sequence.
  public func begin(
    _ sequence: Int, condition: Condition, sharingWith leader: Int? = nil,
    observers: [any CacheObserver] = []
  ) throws(ModelError) {
    try begin([
      SequenceStart(sequence, condition: condition, sharingWith: leader, observers: observers)
    ])
  }

  /// Starts several sequences, leaders before those that follow them.
  ///
  /// Prefixes of one row, such as classes, of sequences that are numbered one after another go
  /// through the network together, which then reads every weight once. Otherwise as
  /// ``begin(_:condition:sharingWith:observers:)``.
  ///
  /// - Parameter guidance: mixes the predictions of the pictures' branches; the conditional ones then
  ///   have logits.
  /// - Precondition: under guidance both branches of a picture begin together.
  public func begin(
    _ starts: [SequenceStart], guidance: Guidance? = nil
  ) throws(ModelError) {
    var prefixes: [PrefixInput] = []
    for start in starts { prefixes.append(try model.prefix(start.condition)) }
    var waiting: [(sequence: Int, prefix: PrefixInput)] = []
    for (start, prefix) in zip(starts, prefixes) {
      let sequence = start.sequence
      precondition(sequence >= 0 && sequence < capacity, "no such sequence")
      end(sequence)
      sessions[sequence] = CacheSession(
        policy, sharingWith: start.leader.map { sessions[$0]! }, observers: start.observers,
        gains: gains)
      if prefix.rows > 1 {
        runPrefix(prefix, of: sequence)
      } else {
        if let last = waiting.last, last.sequence + 1 != sequence { runPrefixes(&waiting) }
        waiting.append((sequence, prefix))
      }
    }
    runPrefixes(&waiting)
    predict(begun: starts.map(\.sequence), guidance)
  }

  /// Goes on with a sequence from where it was when its session was saved. It has no logits before
  /// the next step.
  ///
  /// - Parameters:
  ///   - leader: the sequence of the picture's other branch, restored before, if this one follows its
  ///     choice of rows.
  ///   - observers: those that watch the cache of this sequence.
  /// - Throws: ``SnapshotError`` if the snapshot is not of such a model and policy.
  public func restore(
    _ sequence: Int, _ snapshot: CacheSnapshot, sharingWith leader: Int? = nil,
    observers: [any CacheObserver] = []
  ) throws(SnapshotError) {
    precondition(sequence >= 0 && sequence < capacity, "no such sequence")
    end(sequence)
    sessions[sequence] = try CacheSession(
      policy, restoring: snapshot, sharingWith: leader.map { sessions[$0]! },
      observers: observers, gains: gains)
  }

  /// Ends a sequence and frees its cache.
  public func end(_ sequence: Int) {
    sessions[sequence]?.detach()
    sessions[sequence] = nil
    logitRow[sequence] = -1
  }

  /// The cache of a sequence; nil if it has not begun or has ended.
  public func session(_ sequence: Int) -> CacheSession? { sessions[sequence] }

  /// Feeds each row's token to its sequence; the logits then predict what follows.
  ///
  /// Rows of one sequence stand together; they see each other and all that is cached.
  ///
  /// - Parameter guidance: mixes the predictions of the pictures' branches; the conditional ones then
  ///   have logits.
  /// - Precondition: the sequences have begun; at most `rowsPerStep` rows of each; tokens and
  ///   positions are in range; of two that share plans neither comes without the other. Under
  ///   guidance a picture's conditional branch comes first, and as many rows of the other one later.
  /// - Complexity: reads every weight once.
  public func step(_ rows: [StepRow], guidance: Guidance? = nil) {
    precondition(!rows.isEmpty && rows.count <= scratch.rows, "a step has between one row and all")
    var groups = 0
    for (index, row) in rows.enumerated() {
      precondition(
        row.token >= 0 && Int(row.token) < model.configuration.vocabulary, "token out of range")
      unsafe model.tokenEmbedding.copyRow(Int(row.token), into: scratch.input.row(index))
      unsafe scratch.positions[index] = row.position
      if index > 0, rows[index - 1].sequence == row.sequence {
        unsafe scratch.groups[groups - 1].rows += 1
      } else {
        unsafe scratch.groups[groups] = StepGroup(
          sequence: row.sequence, firstRow: index, rows: 1)
        groups += 1
      }
    }
    runLayers(rows: rows.count, groups: groups)
    keepOutput(rows: rows.count, at: 0)
    predict(rows: rows.count, groups: groups, guidance)
  }

  /// Logits `[vocabulary]` after the last step, or after `begin`, of row `row` of a sequence.
  ///
  /// - Precondition: the sequence took part in it; under guidance, as a conditional branch.
  public func withLogits<R, E: Error>(
    _ sequence: Int, row: Int = 0, _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R {
    try body(
      unsafe Span(
        _unsafeStart: UnsafePointer(logits(sequence, row: row)),
        count: model.configuration.vocabulary))
  }

  package func logits(_ sequence: Int, row: Int = 0) -> UnsafeMutablePointer<Float> {
    precondition(logitRow[sequence] >= 0, "the last step gave the sequence no logits")
    return unsafe scratch.logits.row(logitRow[sequence] + row)
  }

  // MARK: - Accounts

  /// Bytes that the caches of all sequences hold now.
  public var cacheBytes: Int { sessions.reduce(0) { $0 + ($1?.byteCount ?? 0) } }

  /// Live rows of a sequence over all layers and heads.
  public func liveRows(_ sequence: Int) -> Int { sessions[sequence]?.liveRows ?? 0 }

  /// The most live rows that a head of the sequence has.
  public func mostLiveRows(_ sequence: Int) -> Int { sessions[sequence]?.mostLiveRows ?? 0 }
}

extension SequenceShape {
  /// Width of the residual stream.
  var width: Int { heads * headDimension }
}
