internal import CHeadKVKernels

/// How a 3x3 convolution is cut into Winograd tiles of 4 x 4 outputs, and these into blocks.
struct WinogradPlan {
  /// Tiles of a block, at most: rows of the products, a multiple of what the kernels take at once.
  static let block = (height: 4, width: 6)
  /// Fewest tiles that pay: transforming the weights takes as long as some tiles do.
  static let fewest = 4
  /// Most tiles that are all transformed before any weights are: small maps of many channels, whose
  /// transformed weights would fill more than the caches.
  static let few = 64

  /// Of the grid of tiles.
  let height: Int
  let width: Int
  /// Whether the map is enlarged twice first.
  let doubled: Bool

  init(_ work: ConvolutionWork) {
    height = (work.output.height + 3) / 4
    width = (work.output.width + 3) / 4
    doubled = work.layer.sampling == .doubling
  }

  var tiles: Int { height * width }
  /// Products of a tile, for each pair of channels.
  var points: Int { hkv_winograd_points(doubled ? 1 : 0) }

  private var blocksAcross: Int { (width + Self.block.width - 1) / Self.block.width }
  var blocks: Int { (height + Self.block.height - 1) / Self.block.height * blocksAcross }

  func block(_ index: Int) -> WinogradBlock {
    let y = index / blocksAcross * Self.block.height
    let x = index % blocksAcross * Self.block.width
    return WinogradBlock(
      rows: y..<min(y + Self.block.height, height), columns: x..<min(x + Self.block.width, width))
  }

  /// What the tiles of `block` see; doubling reads each pixel of the map once.
  func window(_ block: WinogradBlock) -> ConvolutionWindow {
    let side = doubled ? 2 : 4
    return ConvolutionWindow(
      rows: (side * block.rows.lowerBound - 1)..<(side * block.rows.upperBound + 1),
      columns: (side * block.columns.lowerBound - 1)..<(side * block.columns.upperBound + 1),
      enlarged: false)
  }

  /// Whether tiles do the work faster than the definition.
  static func suits(_ work: ConvolutionWork) -> Bool {
    let layer = work.layer
    return layer.kernel == 3 && layer.sampling != .halving && layer.inputs % 16 == 0
      && layer.outputs % 16 == 0 && WinogradPlan(work).tiles >= fewest
  }
}

/// Rows and columns of the grid of tiles.
struct WinogradBlock {
  let rows: Range<Int>
  let columns: Range<Int>

  var tiles: Int { rows.count * columns.count }
}
