internal import CHeadKVKernels

/// The vector kernels, as thin wrappers.
///
/// The pointers may not overlap unless a function says so; nothing here allocates.
package enum Kernels {
  /// The instruction set in use: "portable", "avx2" or "avx512"; the best the processor has, or
  /// what the environment variable `HEADKV_ISA` names.
  package static var instructionSet: String { unsafe String(cString: hkv_instruction_set()) }

  /// Switches the process to another instruction set; false if it is not to be had. For tests.
  package static func select(instructionSet name: String) -> Bool {
    unsafe name.withCString { unsafe hkv_select_instruction_set($0) != 0 }
  }

  /// One query over `rows` keys and values: weights = softmax(scale K q + bias), out = weights V.
  ///
  /// Strides count floats from one row to the next. `weights` takes `rows` floats, `out` `dim`.
  package static func attend(
    query: UnsafePointer<Float>, keys: UnsafePointer<Float>, keyStride: Int,
    values: UnsafePointer<Float>, valueStride: Int, bias: UnsafePointer<Float>? = nil,
    rows: Int, dim: Int, scale: Float,
    weights: UnsafeMutablePointer<Float>, out: UnsafeMutablePointer<Float>
  ) {
    precondition(rows >= 1 && dim >= 0, "attention needs at least one row")
    unsafe hkv_attend_f32(
      query, keys, keyStride, values, valueStride, bias, rows, dim, scale, weights, out)
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
  /// The sum of `count` numbers modulo 2^32, as fast as memory gives them.
  package static func sum(_ numbers: UnsafePointer<UInt32>, count: Int) -> UInt32 {
    precondition(count >= 0, "negative count")
    return unsafe hkv_sum_u32(numbers, count)
  }
}

/// Cached rows [rows, dim] of some element type; strides count elements.
@unsafe
package enum AttentionRows {
  case f32(UnsafePointer<Float>, stride: Int)
  /// bfloat16, by its bits.
  case bf16(UnsafePointer<UInt16>, stride: Int)
  /// IEEE half precision, by its bits.
  case f16(UnsafePointer<UInt16>, stride: Int)
  /// Bytes; row r is `scales[r]` times its bytes.
  case int8(UnsafePointer<Int8>, stride: Int, scales: UnsafePointer<Float>)
}

extension Kernels {
  /// The same over rows of any element type, the same one for keys and values.
  package static func attend(
    query: UnsafePointer<Float>, keys: AttentionRows, values: AttentionRows,
    bias: UnsafePointer<Float>? = nil, rows: Int, dim: Int, scale: Float,
    weights: UnsafeMutablePointer<Float>, out: UnsafeMutablePointer<Float>
  ) {
    precondition(rows >= 1 && dim >= 0, "attention needs at least one row")
    switch unsafe (keys, values) {
    case (.f32(let k, let kStride), .f32(let v, let vStride)):
      unsafe hkv_attend_f32(
        query, k, kStride, v, vStride, bias, rows, dim, scale, weights, out)
    case (.bf16(let k, let kStride), .bf16(let v, let vStride)):
      unsafe hkv_attend_bf16(
        query, k, kStride, v, vStride, bias, rows, dim, scale, weights, out)
    case (.f16(let k, let kStride), .f16(let v, let vStride)):
      unsafe hkv_attend_f16(
        query, k, kStride, v, vStride, bias, rows, dim, scale, weights, out)
    case (.int8(let k, let kStride, let kScales), .int8(let v, let vStride, let vScales)):
      unsafe hkv_attend_i8(
        query, k, kStride, kScales, v, vStride, vScales, bias, rows, dim, scale, weights, out)
    default: preconditionFailure("keys and values are of one type")
    }
  }

  /// What merging row `row` with each other row costs: (ci cr / (ci + cr))^2 |k_i - k_r|^2
  /// |v_i - v_r|^2 with c = exp(bias); infinity for rows before `first`, for those born from `before`
  /// on, and for itself. `costs` takes `rows` floats.
  package static func mergeCosts(
    keys: UnsafePointer<Float>, values: UnsafePointer<Float>, stride: Int,
    biases: UnsafePointer<Float>, births: UnsafePointer<Int32>, before: Int32, row: Int,
    first: Int, rows: Int, dim: Int, into costs: UnsafeMutablePointer<Float>
  ) {
    precondition(row >= first && row < rows && first >= 0, "no such row")
    unsafe hkv_merge_costs(
      keys, values, stride, biases, births, before, row, first, rows, dim, costs)
  }
}
