/// The callables that are understood.
enum PickleCallable { case rebuildTensor, rebuildFromType, rebuildParameter, orderedDict, size }

extension PickleValue {
  /// What a global stands for: the few that make tensors are known by name, and every other one is
  /// opaque.
  static func global(_ module: String, _ name: String) -> PickleValue {
    switch (module, name) {
    case ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor"):
      return .callable(.rebuildTensor)
    case ("torch._tensor", "_rebuild_from_type_v2"): return .callable(.rebuildFromType)
    case ("torch._utils", "_rebuild_parameter"),
      ("torch._utils", "_rebuild_parameter_with_state"):
      return .callable(.rebuildParameter)
    case ("collections", "OrderedDict"): return .callable(.orderedDict)
    case ("torch", "Size"): return .callable(.size)
    case ("torch", "DoubleStorage"): return .storageType(.f64)
    case ("torch", "FloatStorage"): return .storageType(.f32)
    case ("torch", "HalfStorage"): return .storageType(.f16)
    case ("torch", "BFloat16Storage"): return .storageType(.bf16)
    case ("torch", "LongStorage"): return .storageType(.i64)
    case ("torch", "IntStorage"): return .storageType(.i32)
    case ("torch", "ShortStorage"): return .storageType(.i16)
    case ("torch", "CharStorage"): return .storageType(.i8)
    case ("torch", "ByteStorage"): return .storageType(.u8)
    case ("torch", "BoolStorage"): return .storageType(.bool)
    case ("torch.storage", "UntypedStorage"), ("torch", "UntypedStorage"):
      return .storageType(.u8)
    case ("torch.storage", "TypedStorage"): return .storageType(nil)
    default: return .opaque
    }
  }
}
