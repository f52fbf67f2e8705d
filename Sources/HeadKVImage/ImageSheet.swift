/// Contact sheets.
public enum ImageSheet {
  /// Lays `images` out in rows of `columns`, each enlarged `scale` times without smoothing and `gap`
  /// white pixels apart.
  ///
  /// A cell is as large as the largest image. Values below the smallest sensible one count as that
  /// one. If the sheet would exceed the limits of ``RGBImage``, `scale` and `gap` shrink, and then
  /// the last rows and columns are left out. No images give one white pixel.
  public static func compose(
    _ images: [RGBImage], columns: Int, gap: Int = 0, scale: Int = 1
  ) -> RGBImage {
    guard !images.isEmpty else { return RGBImage(filled: 1, 1, (255, 255, 255)) }
    let cellWidth = images.map(\.width).max() ?? 1
    let cellHeight = images.map(\.height).max() ?? 1
    let limit = RGBImage.maxSide
    var columns = min(max(columns, 1), images.count, limit)
    var rows = min((images.count - 1) / columns + 1, limit)
    let perRow = columns
    var scale = min(max(scale, 1), limit)
    var gap = min(max(gap, 0), limit)

    func side(_ cells: Int, _ size: Int) -> Int { cells * size * scale + (cells - 1) * gap }
    func fits() -> Bool {
      let (width, height) = (side(columns, cellWidth), side(rows, cellHeight))
      return width <= limit && height <= limit && width * height <= RGBImage.maxPixels
    }
    while !fits() {
      if scale > 1 {
        scale -= 1
      } else if gap > 0 {
        gap /= 2
      } else if rows > 1, side(rows, cellHeight) >= side(columns, cellWidth) || columns == 1 {
        rows -= 1
      } else {
        columns -= 1
      }
    }

    var sheet = RGBImage(
      filled: side(columns, cellWidth), side(rows, cellHeight), (255, 255, 255))
    for (index, image) in images.enumerated() {
      let (row, column) = (index / perRow, index % perRow)
      guard row < rows, column < columns else { continue }
      sheet.paste(
        image, x: column * (cellWidth * scale + gap), y: row * (cellHeight * scale + gap),
        scale: scale)
    }
    return sheet
  }
}
