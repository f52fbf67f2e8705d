import Foundation
import HeadKVFuzz
import Testing

/// Inputs that reach every branch of a reader known to be reached, and those that once broke one;
/// `make fuzz` looks for more.
@Suite struct CorpusTests {
  private static let corpus = Bundle.module.bundleURL.appendingPathComponent("Corpus")

  private static func inputs(_ target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
    let folder = corpus.appendingPathComponent(target.name)
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
      ($0, [UInt8](try Data(contentsOf: folder.appendingPathComponent($0))))
    }
  }

  /// Whatever the bytes, a reader gives a sound value or an error of one line.
  @Test(arguments: FuzzTarget.all.map(\.name)) func anyBytesAreReadOrRefused(_ name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    let inputs = try Self.inputs(target)
    #expect(inputs.count > 1)
    for input in inputs {
      #expect(throws: Never.self, "\(name)/\(input.name)") { try target.run(input.bytes) }
    }
  }

  /// A file cut short at any byte is as good as any other.
  @Test(arguments: FuzzTarget.all.map(\.name)) func anyPrefixIsReadOrRefused(_ name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    for input in try Self.inputs(target) where input.bytes.count <= 512 {
      for end in input.bytes.indices {
        #expect(throws: Never.self, "\(name)/\(input.name) up to \(end)") {
          try target.run(Array(input.bytes[..<end]))
        }
      }
    }
  }
}
