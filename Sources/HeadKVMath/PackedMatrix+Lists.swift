internal import CHeadKVKernels

extension PackedMatrix {
  /// What is wrong with the lists of a bf12 matrix from a file; nil if nothing is, or if there are
  /// none. The kernels are safe with any, but multiply by other weights than were packed.
  ///
  /// - Complexity: reads the heads and lists of the panels, about a hundredth of the matrix at most.
  package var listProblem: String? {
    guard packing == .bf12 else { return nil }
    let steps = hkv_packed_steps(packing.code, inFeatures)
    let (bytes, room) = (hkv_panel_bytes(packing.code, steps), hkv_bf12_listable(steps))
    guard unsafe Int(bitPattern: panels) % MemoryLayout<UInt32>.alignment == 0 else {
      return "the panels are not aligned to 4 bytes"
    }
    for panel in 0..<(outFeatures + Packing.panel - 1) / Packing.panel {
      let head = unsafe panels + panel * bytes
      guard unsafe head.load(as: UInt8.self) == 0 else {
        return "the table of panel \(panel) does not begin with zero"
      }
      let listed = unsafe head.load(fromByteOffset: 16, as: UInt32.self)
      guard listed <= room else {
        return "panel \(panel) lists \(listed) weights, expected at most \(room)"
      }
      var last = -1
      for index in 0..<Int(listed) {
        let entry = unsafe head.load(fromByteOffset: 64 + 4 * index, as: UInt32.self)
        let place = Int(entry >> 8)
        guard place > last, place < 128 * steps else {
          return "panel \(panel) lists weight \(place) of \(128 * steps) after \(last)"
        }
        last = place
      }
    }
    return nil
  }
}
