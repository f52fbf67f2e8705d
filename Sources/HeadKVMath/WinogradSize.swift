internal import CHeadKVKernels

/// Memory, in floats, that a 3x3 convolution in Winograd tiles works in: bounds from above.
package enum WinogradSize {
  private static var points: Int { max(hkv_winograd_points(0), hkv_winograd_points(1)) }

  /// What threads share: all transformed weights, or all tiles of a small map.
  package static func transformed(inputs: Int, outputs: Int) -> Int {
    let panels = (outputs + Packing.panel - 1) / Packing.panel * Packing.panel
    return points * (inputs * max(panels, WinogradPlan.few) + 16)
  }

  /// What each thread has of its own: the transformed weights of a panel or the inputs of a block,
  /// their products and the window that a block sees.
  package static func scratch(inputs: Int) -> Int {
    let tiles = max(WinogradPlan.few, WinogradPlan.block.height * WinogradPlan.block.width)
    let window =
      (4 * WinogradPlan.block.height + 2) * (4 * WinogradPlan.block.width + 2) * (inputs + 64)
    return points * (inputs * Packing.panel + tiles * Packing.panel + 32) + window
  }
}
