/// Where one head's rows lie inside an allocation, and how many are live.
///
/// Metadata only. Offsets and strides count 4-byte words from the start of the allocation; the live
/// rows are the slots `0..<count`, in no particular order.
struct HeadSlab: BitwiseCopyable {
  var capacity: Int
  var count: Int
  /// Words from one key, or one value, to the next.
  var stride: Int
  var keys: Int
  var values: Int
  var positions: Int
  var births: Int
  var scores: Int
  var biases: Int
}
