internal import CHeadKVKernels

/// How a weight is stored; kernels widen it to f32 exactly.
package enum WeightElement: Sendable {
  case f32, bf16, f16

  package var byteCount: Int {
    switch self {
    case .f32: 4
    case .bf16, .f16: 2
    }
  }
}

extension WeightElement {
  var code: Int32 {
    switch self {
    case .f32: Int32(HKV_F32)
    case .bf16: Int32(HKV_BF16)
    case .f16: Int32(HKV_F16)
    }
  }
}
