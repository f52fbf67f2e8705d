import HeadKVMath

/// Where one head's rows lie inside an allocation, and how many are live.
///
/// Metadata only. Offsets count bytes from the start of the allocation; the live rows are the slots
/// `0..<count`, in no particular order.
struct HeadSlab: BitwiseCopyable {
  var element: RowElement
  /// Elements of a key, and of a value.
  var dimension: Int
  var capacity: Int
  var count = 0
  var keys = 0
  var values = 0
  var positions = 0
  var births = 0
  var scores = 0
  var biases = 0
  /// Of bytes only.
  var keyScales = 0
  var valueScales = 0
}
