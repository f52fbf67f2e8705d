internal import CHeadKVKernels
import Synchronization

extension PackedMatrix {
  /// Packs a row-major matrix of `element` weights into memory from `arena`, on all threads of
  /// `pool`; as ``Packing/substitute`` if `packing` cannot hold it.
  ///
  /// - Parameter consumed: told, on the caller's thread and some MB at a time, which bytes of
  ///   `weights` have been packed; from the beginning again for a substitute.
  package static func pack(
    _ weights: UnsafeRawPointer, element: WeightElement, outFeatures: Int, inFeatures: Int,
    packing: Packing, arena: WeightArena, pool: WorkerPool, consumed: (Range<Int>) -> Void
  ) -> PackedMatrix {
    let bytes = packing.byteCount(outFeatures: outFeatures, inFeatures: inFeatures)
    let (memory, owner) = unsafe arena.take(bytes)
    var scales: UnsafeMutablePointer<Float>?
    if packing == .int8 {
      unsafe scales = arena.take(4 * outFeatures, beside: owner)
        .bindMemory(to: Float.self, capacity: outFeatures)
    }
    let outcome = PackOutcome()
    let work = unsafe PackWork(
      weights: weights, element: element, outFeatures: outFeatures, inFeatures: inFeatures,
      packing: packing, panels: memory, scales: scales, outcome: outcome)
    unsafe RowBands(rows: outFeatures, bytesPerRow: inFeatures * element.byteCount).run(
      work, rowsPerTask: Packing.panel, on: pool, consumed: consumed)
    if outcome.isMissed.load(ordering: .relaxed) {
      guard let substitute = packing.substitute else {
        preconditionFailure("\(packing) holds every matrix")
      }
      unsafe arena.giveBack(memory, to: owner)
      return unsafe pack(
        weights, element: element, outFeatures: outFeatures, inFeatures: inFeatures,
        packing: substitute, arena: arena, pool: pool, consumed: consumed)
    }
    return unsafe PackedMatrix(
      packing: packing, outFeatures: outFeatures, inFeatures: inFeatures,
      panels: UnsafeRawPointer(memory), scales: UnsafePointer(scales), owner: owner)
  }
}

/// What became of packing.
private final class PackOutcome: Sendable {
  /// Whether a panel cannot be held.
  let isMissed = Atomic<Bool>(false)
}

@unsafe
private struct PackWork: BandWork {
  let weights: UnsafeRawPointer
  let element: WeightElement
  let outFeatures: Int
  let inFeatures: Int
  let packing: Packing
  let panels: UnsafeMutableRawPointer
  let scales: UnsafeMutablePointer<Float>?
  let outcome: PackOutcome
  var first = 0

  func perform(_ index: Int) {
    guard unsafe !outcome.isMissed.load(ordering: .relaxed) else { return }
    let panel = unsafe first + index
    let isHeld = unsafe hkv_pack(
      packing.code, weights, element.code, outFeatures, inFeatures, panel, panel + 1, panels,
      scales)
    if isHeld == 0 { unsafe outcome.isMissed.store(true, ordering: .relaxed) }
  }
}
