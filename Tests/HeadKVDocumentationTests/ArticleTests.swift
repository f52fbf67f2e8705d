import Foundation
import Testing

/// Every Swift example of the articles stands, line for line, in a source file that is compiled and
/// run.
@Suite struct ArticleTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static func files(_ folder: String, _ suffix: String) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(
      at: root.appendingPathComponent(folder), includingPropertiesForKeys: nil
    ).filter { $0.lastPathComponent.hasSuffix(suffix) }
      .sorted { $0.path < $1.path }
  }

  /// Lines without indentation, those that are blank left out.
  private static func lines(_ text: some StringProtocol) -> [String] {
    text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
  }

  private static func examples(_ article: URL) throws -> [[String]] {
    let text = try String(contentsOf: article, encoding: .utf8)
    return text.components(separatedBy: "```swift\n").dropFirst()
      .map { lines($0.components(separatedBy: "```")[0]) }
  }

  @Test func examplesCompile() throws {
    let sources = try
      (Self.files("Tests/HeadKVDocumentationTests", ".swift")
      + Self.files("Examples/Consumer/Sources/consumer", ".swift")
      + [Self.root.appendingPathComponent("Examples/Consumer/Package.swift")])
      .map { "\n" + Self.lines(try String(contentsOf: $0, encoding: .utf8)).joined(separator: "\n") + "\n" }
    var count = 0
    for article in try Self.files("Sources/HeadKV/HeadKV.docc", ".md") {
      for example in try Self.examples(article) {
        let text = "\n" + example.joined(separator: "\n") + "\n"
        #expect(
          sources.contains { $0.contains(text) },
          "\(article.lastPathComponent): no compiled source has \(example.first ?? "an empty example")")
        count += 1
      }
    }
    #expect(count >= 8)
  }

  /// Articles that are pointed at exist, and all are pointed at.
  @Test func articlesAreLinked() throws {
    let articles = try Self.files("Sources/HeadKV/HeadKV.docc", ".md")
    let names = Set(articles.map { $0.deletingPathExtension().lastPathComponent })
    let links = try articles.flatMap { article in
      try String(contentsOf: article, encoding: .utf8).components(separatedBy: "<doc:").dropFirst()
        .map { $0.components(separatedBy: ">")[0] }
    }
    #expect(Set(links) == names.subtracting(["HeadKV"]))
  }
}
