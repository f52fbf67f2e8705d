internal import CHeadKVKernels

/// The vector kernels, as thin wrappers.
///
/// The pointers may not overlap unless a function says so; nothing here allocates.
package enum Kernels {
  /// The instruction set in use, one of ``instructionSets``: the best the processor has, or what
  /// the environment variable `HEADKV_ISA` names.
  package static var instructionSet: String { unsafe String(cString: hkv_instruction_set()) }

  /// The instruction sets that this processor and build have, the plainest first.
  package static var instructionSets: [String] {
    ["portable", "avx2", "avx512", "avx512vnni", "avx512bf16"].filter { name in
      unsafe name.withCString { unsafe hkv_has_instruction_set($0) != 0 }
    }
  }

  /// The processor's features that matter to the kernels, by the compiler's names.
  package static var processorFeatures: [String] {
    var features: [String] = []
    while let name = unsafe hkv_cpu_feature(features.count) {
      features.append(unsafe String(cString: name))
    }
    return features
  }

  /// Switches the process to another instruction set; false if it is not to be had. For checks.
  package static func select(instructionSet name: String) -> Bool {
    unsafe name.withCString { unsafe hkv_select_instruction_set($0) != 0 }
  }

  /// out = x / sqrt(mean(x^2) + epsilon) * weight; `out` may be `x`.
  package static func rmsNorm(
    _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>, count: Int, epsilon: Float,
    into out: UnsafeMutablePointer<Float>
  ) {
    unsafe hkv_rms_norm(x, weight, count, epsilon, out)
  }

  /// gate = silu(gate) * up.
  package static func siluMultiply(
    _ gate: UnsafeMutablePointer<Float>, up: UnsafePointer<Float>, count: Int
  ) {
    unsafe hkv_silu_mul(gate, up, count)
  }

  /// x = gelu(x), the tanh form.
  package static func geluTanh(_ x: UnsafeMutablePointer<Float>, count: Int) {
    unsafe hkv_gelu_tanh(x, count)
  }

  /// x = softmax(x); entries of -infinity become 0, also when there is nothing else.
  package static func softmax(_ x: UnsafeMutablePointer<Float>, count: Int) {
    unsafe hkv_softmax(x, count)
  }

  /// x = exp(x); 0 below -87.3, saturates above 88.
  package static func exp(_ x: UnsafeMutablePointer<Float>, count: Int) {
    unsafe hkv_exp(x, count)
  }

  /// Turns interleaved pairs: (x0, x1) -> (x0 c - x1 s, x0 s + x1 c); `cosSin` is [pairs][2].
  package static func rotatePairs(
    _ x: UnsafeMutablePointer<Float>, cosSin: UnsafePointer<Float>, pairs: Int
  ) {
    unsafe hkv_rotate_pairs(x, cosSin, pairs)
  }
}

extension Kernels {
  /// Asks for `count` numbers to be brought near, which are wanted soon.
  @inline(__always)
  package static func prefetch<Number>(_ numbers: UnsafePointer<Number>, count: Int) {
    unsafe hkv_prefetch(numbers, count * MemoryLayout<Number>.stride)
  }

  /// The sum of `count` numbers modulo 2^32, as fast as memory gives them.
  package static func sum(_ numbers: UnsafePointer<UInt32>, count: Int) -> UInt32 {
    precondition(count >= 0, "negative count")
    return unsafe hkv_sum_u32(numbers, count)
  }
}
