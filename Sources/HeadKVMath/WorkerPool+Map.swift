extension WorkerPool {
  /// What `body` gives for tasks `0..<tasks`, in their order. Allocates: not for the token loop.
  package func map<Value>(tasks: Int, body: (Int) -> Value) -> [Value] {
    // All empty arrays share their memory, which the initialiser would write to.
    guard tasks > 0 else { return [] }
    return unsafe [Value](unsafeUninitializedCapacity: tasks) { values, count in
      guard let base = values.baseAddress else { return }
      run(tasks: tasks) { index in unsafe (base + index).initialize(to: body(index)) }
      count = tasks
    }
  }
}
