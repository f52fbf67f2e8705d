/// Cells of a token grid that share a colour, with thin lines between them.
struct TokenGrid {
  let width: Int
  let height: Int
  /// Side of a cell in pixels.
  let cell: Double
  let x: Double
  let y: Double

  /// Draws cell i, row-major, in `paints[i]`.
  func draw(_ paints: [Paint], in layout: inout Layout) {
    var order: [Paint] = []
    var runs: [Paint: [Box]] = [:]
    for line in 0..<height {
      var start = 0
      while start < width {
        let paint = paints[line * width + start]
        var end = start + 1
        while end < width, paints[line * width + end] == paint { end += 1 }
        if runs[paint] == nil { order.append(paint) }
        runs[paint, default: []].append(
          Box(
            x + cell * Double(start), y + cell * Double(line), cell * Double(end - start), cell))
        start = end
      }
    }
    for paint in order { layout.add(.boxes(runs[paint] ?? [], paint, opacity: 1)) }
    let (right, bottom) = (x + cell * Double(width), y + cell * Double(height))
    let across = (1..<max(height, 2)).map { line in
      let at = y + cell * Double(line)
      return [Point(x, at), Point(right, at)]
    }
    let down = (1..<max(width, 2)).map { column in
      let at = x + cell * Double(column)
      return [Point(at, y), Point(at, bottom)]
    }
    layout.add(.lines(across + down, Stroke(.paper, width: cell >= 5 ? 1 : 0.5)))
    layout.widen(right)
  }
}
