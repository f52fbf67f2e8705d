/// A value of a pickle. Values refer to each other by their index in the arena that holds them all,
/// so neither a cycle nor deep nesting makes any step recurse, destruction included.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  case tuple([Int])
  case list([Int])
  /// Keys and values in turn, as they were set; a later key replaces an earlier one.
  case dict([Int])
  case callable(PickleCallable)
  case storageType(DType?)
  // Boxed, so that a value takes little room: there are far more of the others.
  indirect case storage(Storage)
  indirect case tensor(Tensor)
  /// Anything that is not needed to find tensors.
  case opaque

  /// A flat run of elements, in the archive member `data/<key>`.
  struct Storage {
    var key: String
    var dtype: DType
    var count: Int
  }

  /// A view of a storage; offset and strides in elements.
  struct Tensor {
    var storage: Storage
    var offset: Int
    var shape: [Int]
    var strides: [Int]
  }
}
