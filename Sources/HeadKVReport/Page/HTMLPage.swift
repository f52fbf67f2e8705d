import Foundation
public import HeadKVImage

/// A page in one file: styles, figures and pictures are inside, nothing is fetched and no script
/// runs. It reads on a phone, follows the reader's light or dark theme, and is well-formed XML.
public struct HTMLPage: Sendable {
  /// A picture and what is said below it.
  public struct Picture: Sendable, Equatable {
    public var image: RGBImage
    public var caption: String

    public init(_ image: RGBImage, caption: String) {
      self.image = image
      self.caption = caption
    }
  }

  /// A part of a section.
  public enum Block: Sendable, Equatable {
    case text(String)
    /// Names and values.
    case facts([(name: String, value: String)])
    /// A line of heads and lines of cells; cells that start with a digit or sign stand on the right.
    case table(columns: [String], rows: [[String]])
    case figure(Figure, caption: String = "")
    /// Figures beside each other where there is room.
    case figures([Figure])
    /// Pictures, and figures about them, beside each other.
    case pictures([Picture], figures: [Figure] = [])
    /// Parts of a whole: names, sizes in words, shares 0...1.
    case bars([(name: String, value: String, share: Double)])

    public static func == (a: Block, b: Block) -> Bool {
      switch (a, b) {
      case (.text(let a), .text(let b)): a == b
      case (.facts(let a), .facts(let b)): a.elementsEqual(b, by: ==)
      case (.table(let a, let rows), .table(let b, let others)): a == b && rows == others
      case (.figure(let a, let caption), .figure(let b, let other)): a == b && caption == other
      case (.figures(let a), .figures(let b)): a == b
      case (.pictures(let a, let figures), .pictures(let b, let others)):
        a == b && figures == others
      case (.bars(let a), .bars(let b)): a.elementsEqual(b, by: ==)
      default: false
      }
    }
  }

  public let title: String
  public let subtitle: String
  private var sections: [(title: String, blocks: [Block])] = []

  public init(title: String, subtitle: String = "") {
    self.title = title
    self.subtitle = subtitle
  }

  /// Appends a section; one without blocks is left out.
  public mutating func add(_ title: String, _ blocks: [Block]) {
    if !blocks.isEmpty { sections.append((title, blocks)) }
  }

  /// The file's text, UTF-8.
  ///
  /// - Throws: ``ImageError`` if a picture cannot be encoded.
  public func html() throws(ImageError) -> String {
    var pictures: [[UInt8]] = []
    for case .pictures(let images, _) in sections.flatMap(\.blocks) {
      for picture in images { pictures.append(try PNG.encode(picture.image)) }
    }
    var encoded = pictures.map { Data($0).base64EncodedString() }[...]

    var writer = XMLBuilder()
    writer.raw("<!DOCTYPE html>\n")
    writer.element("html", ["lang": "en"]) { writer in
      writer.element("head") { writer in
        writer.leaf("meta", ["charset": "utf-8"])
        writer.leaf("meta", ["name": "viewport", "content": "width=device-width,initial-scale=1"])
        writer.leaf("meta", ["name": "color-scheme", "content": "light dark"])
        writer.element("title", text: title)
        writer.element("style") { $0.raw(PageStyle.css) }
      }
      writer.element("body") { writer in
        writer.element("header") {
          $0.element("h1", text: title)
          if !subtitle.isEmpty { $0.element("p", ["class": "muted"], text: subtitle) }
        }
        for section in sections {
          writer.element("section") { writer in
            writer.element("h2", text: section.title)
            for block in section.blocks { write(block, &encoded, into: &writer) }
          }
        }
      }
    }
    writer.raw("\n")
    return writer.text
  }

  /// Writes the page to `path`, whole or not at all.
  ///
  /// - Throws: ``ReportError`` naming the path and the system's reason, or a picture that cannot be
  ///   encoded.
  public func write(to path: String) throws(ReportError) {
    let text: String
    do throws(ImageError) { text = try html() } catch { throw ReportError("\(error)") }
    try ReportFile.write(text, to: path)
  }

  private func write(
    _ block: Block, _ pictures: inout ArraySlice<String>, into writer: inout XMLBuilder
  ) {
    switch block {
    case .text(let text):
      writer.element("p", text: text)
    case .facts(let facts):
      writer.element("dl") { writer in
        for fact in facts {
          writer.element("div") {
            $0.element("dt", text: fact.name)
            $0.element("dd", text: fact.value)
          }
        }
      }
    case .table(let columns, let rows):
      write(columns, rows, into: &writer)
    case .figure(let figure, let caption):
      writer.element("figure") {
        $0.element("div", ["class": "scroll"]) { SVGWriter.inline(figure, into: &$0) }
        if !caption.isEmpty { $0.element("figcaption", text: caption) }
      }
    case .figures(let figures):
      writer.element("div", ["class": "side"]) { writer in
        for figure in figures {
          writer.element(
            "figure", ["style": "flex:0 1 \(NumberText.short(figure.width.rounded()))px"]
          ) {
            $0.element("div", ["class": "scroll"]) { SVGWriter.inline(figure, into: &$0) }
          }
        }
      }
    case .pictures(let images, let figures):
      writer.element("div", ["class": "side"]) { writer in
        for picture in images {
          let data = pictures.popFirst() ?? ""
          writer.element("figure", ["class": "picture"]) {
            $0.leaf("img", ["alt": picture.caption, "src": "data:image/png;base64,\(data)"])
            $0.element("figcaption", text: picture.caption)
          }
        }
        for figure in figures {
          writer.element("figure", ["class": "picture"]) {
            $0.element("div", ["class": "scroll"]) { SVGWriter.inline(figure, into: &$0) }
          }
        }
      }
    case .bars(let bars):
      writer.element("div", ["class": "bars"]) { writer in
        for bar in bars {
          let share = bar.share.isFinite ? min(max(bar.share, 0), 1) : 0
          writer.element("span", text: bar.name)
          writer.element("span", ["class": "track"]) {
            $0.element("span", ["style": "width:\(NumberText.short(100 * share))%"], text: "")
          }
          writer.element("span", ["class": "number"], text: bar.value)
        }
      }
    }
  }

  private func write(
    _ columns: [String], _ rows: [[String]], into writer: inout XMLBuilder
  ) {
    func isNumber(_ text: String) -> Bool {
      text.first.map { $0.isNumber || "+-–∞".contains($0) } ?? false
    }
    func kind(_ text: String) -> XMLBuilder.Attributes {
      isNumber(text) ? ["class": "number"] : [:]
    }
    writer.element("div", ["class": "scroll"]) { writer in
      writer.element("table") { writer in
        writer.element("thead") { writer in
          writer.element("tr") { writer in
            for (index, column) in columns.enumerated() {
              let first = rows.first.flatMap { $0.indices.contains(index) ? $0[index] : nil }
              writer.element("th", kind(first ?? ""), text: column)
            }
          }
        }
        writer.element("tbody") { writer in
          for row in rows {
            writer.element("tr") { writer in
              for cell in row { writer.element("td", kind(cell), text: cell) }
            }
          }
        }
      }
    }
  }
}
