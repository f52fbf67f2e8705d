import HeadKVImage
import HeadKVReport
import Testing

@Suite struct PixelTests {
  private func pixel(_ image: RGBImage, _ x: Int, _ y: Int) -> Color {
    let at = 3 * (y * image.width + x)
    return Color(image.pixels[at], image.pixels[at + 1], image.pixels[at + 2])
  }

  /// Every cell has its own colour from edge to edge, and paper beyond.
  @Test(arguments: [1, 2, 3]) func cellsLieWhereTheyShould(scale: Int) throws {
    let map = try HeadMap(
      title: "m", layers: 3, heads: 5, content: .types([Int](repeating: 0, count: 15), names: [""]))
    let image = try map.figure.image(scale: scale)
    var cells = 0
    for case .cell(let box, .color(let color), _) in map.figure.marks {
      cells += 1
      let (left, top) = (scale * Int(box.x), scale * Int(box.y))
      let (right, bottom) = (left + scale * Int(box.width), top + scale * Int(box.height))
      for (x, y) in [(left, top), (right - 1, top), (left, bottom - 1), (right - 1, bottom - 1)] {
        #expect(pixel(image, x, y) == color)
      }
      #expect(pixel(image, right, top) == Color(255, 255, 255))
      #expect(pixel(image, left, bottom) == Color(255, 255, 255))
    }
    #expect(cells == 15)
  }

  /// The boxes of a token grid cover each cell once, in the paint of its state.
  @Test func keptRowsCoverTheGrid() throws {
    let moment = KeptRows.Moment(
      cells: 12, step: 7, rows: [(-1, 1), (0, 4), (4, 1), (5, 1), (6, 1)])
    let figure = try KeptRows(
      title: "", width: 4, height: 3, moments: ["m"], heads: [.init(name: "h", moments: [moment])]
    ).figure
    var areas: [Paint: Double] = [:]
    for case .boxes(let boxes, let paint, _) in figure.marks {
      for box in boxes { areas[paint, default: 0] += box.width * box.height / 49 }
    }
    // Swatches of the key are 12 x 12.
    let swatch = 144.0 / 49
    let cells = areas.mapValues { Int(($0 - swatch).rounded()) }.filter { $0.value > 0 }
    #expect(cells[.faded] == 3)
    #expect(cells[.panel] == 5)
    #expect(cells[.shade(0)] == 2)
    #expect(cells[.shade(11)] == 1)
    #expect(cells.count == 5)
    #expect(cells.values.reduce(0, +) == 12)
  }

  @Test func lettersDiffer() {
    let font = BitmapFont.standard
    let letters =
      (33...126).compactMap { Unicode.Scalar($0).map(Character.init) } + Array("·×±≤≥∞–—…→ρ")
    let unknown = font.glyph("\u{1F600}")
    // Zero and O share their shape.
    #expect(Set(letters.map(font.glyph)).count == letters.count - 1)
    for letter in letters {
      let glyph = font.glyph(letter)
      #expect(glyph != unknown, "\(letter)")
      #expect(1...5 ~= glyph.width && glyph.rows.contains { $0 != 0 }, "\(letter)")
    }
    #expect(font.width("") == 0)
    #expect(font.width("1 1") == 3 + 1 + 3 + 1 + 3)
  }
}
