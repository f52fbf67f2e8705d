import HeadKVImage
import HeadKVReport
import Testing

@Suite struct PageTests {
  @Test func pageIsWellFormedAndFetchesNothing() throws {
    let html = try Samples.report().page().html()
    let found = try #require(WellFormed(html))
    for attribute in found.attributes where ["src", "href", "xlink:href"].contains(attribute.name) {
      #expect(attribute.value.hasPrefix("data:image/png;base64,"))
    }
    for forbidden in ["http:", "https:", "//", "@import", "<script", "url(", "<link"] {
      // Base64 may hold two slashes.
      let text = html.replacing(/base64,[A-Za-z0-9+\/=]*/, with: "")
      #expect(!text.contains(forbidden), "\(forbidden)")
    }
    #expect(found.elements["img"] == 2)
    #expect(found.elements["section"] == 9)
    #expect(html.contains("prefers-color-scheme:dark"))
    #expect(html.contains("width=device-width"))
    #expect(try html == Samples.report().page().html())
  }

  @Test func sizesStaySmall() throws {
    #expect(try Samples.report().page().html().utf8.count < 600_000)
    let large = try Samples.report(layers: 48, heads: 40, side: 32).page().html()
    #expect(large.utf8.count < 3_000_000)
  }

  @Test func everyTextIsEscaped() throws {
    let nasty = "</style><script>&\"'\u{0}"
    var page = HTMLPage(title: nasty, subtitle: nasty)
    let image = try Samples.picture(1)
    page.add(
      nasty,
      [
        .text(nasty), .facts([(nasty, nasty)]), .table(columns: [nasty], rows: [[nasty]]),
        .bars([(nasty, nasty, .nan)]), .pictures([.init(image, caption: nasty)]),
        .figure(try Samples.timeline().figure, caption: nasty),
      ])
    let html = try page.html()
    let found = try #require(WellFormed(html))
    #expect(!html.contains("<script"))
    #expect(found.elements["script"] == nil)
    #expect(
      found.attributes.contains { $0.name == "alt" && $0.value == "</style><script>&\"'\u{FFFD}" })
  }

  @Test func picturesAreInside() throws {
    var page = HTMLPage(title: "t")
    let images = [try Samples.picture(3), try Samples.picture(4)]
    page.add("p", [.pictures(images.map { .init($0, caption: "c") })])
    let sources = try #require(WellFormed(page.html())).attributes.filter { $0.name == "src" }
    #expect(sources.count == 2)
    for (source, image) in zip(sources, images) {
      #expect(try source.value == "data:image/png;base64," + base64(PNG.encode(image)))
    }
  }

  /// RFC 4648, bit by bit.
  private func base64(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    let bits = bytes.flatMap { byte in (0..<8).map { Int(byte >> (7 - $0) & 1) } }
    var text = ""
    for at in stride(from: 0, to: bits.count, by: 6) {
      let value = (0..<6).reduce(0) { $0 * 2 + (at + $1 < bits.count ? bits[at + $1] : 0) }
      text.append(digits[value])
    }
    while text.count % 4 != 0 { text.append("=") }
    return text
  }

  @Test func emptyPartsAreLeftOut() throws {
    let page = try RunReport(title: "t").page()
    #expect(try #require(WellFormed(page.html())).elements["section"] == nil)
  }

  @Test func pairsAreMeasured() throws {
    let found = try #require(WellFormed(Samples.report().page().html()))
    #expect(found.text.contains("of 576 tokens"))
    #expect(found.text.contains(" dB"))
    var report = RunReport(title: "t")
    let image = try Samples.picture(1)
    report.pairs = [
      .init(
        name: "a", full: image, compressed: image, fullTokens: [1, 2], compressedTokens: [1, 2],
        gridWidth: 2)
    ]
    let text = try #require(WellFormed(report.page().html())).text
    #expect(text.contains("2 of 2 tokens (100 %); PSNR ∞ dB (identical)"))
    report.pairs[0].gridWidth = 3
    #expect(throws: ReportError.self) { try report.page() }
  }
}
