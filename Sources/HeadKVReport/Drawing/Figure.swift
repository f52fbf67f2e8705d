internal import HeadKVFiles
public import HeadKVImage

/// A picture of some values: a list of marks, written as SVG or drawn as pixels. Equal values give
/// equal bytes.
public struct Figure: Sendable, Equatable {
  /// What it shows, in one line.
  public let title: String
  /// In CSS pixels.
  public let width: Double
  public let height: Double
  package let marks: [Mark]

  package init(title: String, width: Double, height: Double, marks: [Mark]) {
    self.title = title
    self.width = width
    self.height = height
    self.marks = marks
  }

  /// A whole SVG file on a light background.
  public func svg() -> String { SVGWriter.file(self) }

  /// The picture on a light background, each CSS pixel `scale` pixels wide and high (1 or more).
  ///
  /// - Throws: ``ImageError`` if it exceeds the limits of `RGBImage`.
  public func image(scale: Int = 2) throws(ImageError) -> RGBImage {
    try Painter.image(self, scale: scale)
  }

  /// Writes the picture to `path`, whole or not at all: PNG if it ends in `.png`, else SVG.
  ///
  /// - Throws: ``ReportError`` naming the path and the system's reason.
  public func write(to path: String) throws(ReportError) {
    guard path.lowercased().hasSuffix(".png") else {
      return try ReportFile.write(svg(), to: path)
    }
    do throws(ImageError) {
      try PNG.write(image(), to: path)
    } catch { throw ReportError("\(error)") }
  }
}
