import HeadKV

/// A reader of untrusted bytes, and the law it has to keep for any bytes whatever: it returns or
/// throws an error of one line, and what it returns can be used.
package struct FuzzTarget: Sendable {
  package let name: String
  private let read: @Sendable ([UInt8]) throws -> Void

  /// - Parameter read: reads the bytes; throws ``BrokenLaw`` for a result that cannot be, and the
  ///   reader's own error otherwise.
  init(_ name: String, _ read: @escaping @Sendable ([UInt8]) throws -> Void) {
    self.name = name
    self.read = read
  }

  /// - Throws: ``BrokenLaw`` if the reader breaks the law; a trap is for the caller's caller to see.
  package func run(_ bytes: [UInt8]) throws(BrokenLaw) {
    do { try read(bytes) } catch let law as BrokenLaw { throw law } catch {
      let text = "\(error)"
      let isLine = text.unicodeScalars.allSatisfy { !$0.properties.isLineBreaking }
      guard isLine, !text.isEmpty, text.utf8.count <= 4000 else {
        throw BrokenLaw("not an error of one line: \(text.debugDescription)")
      }
    }
  }

  /// Readers, the most intricate first.
  package static let all: [FuzzTarget] = [
    .safetensors, .pickle, .archive, .index, .tokens, .captions, .model, .packed, .config,
    .profile, .png, .recipe, .options, .state,
  ]

  package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// What a reader did that it must not.
package struct BrokenLaw: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }

  static func unless(_ holds: Bool, _ law: @autoclosure () -> String) throws {
    if !holds { throw BrokenLaw(law()) }
  }
}

extension Unicode.Scalar.Properties {
  /// Whether a terminal or a log would see more than a line.
  fileprivate var isLineBreaking: Bool {
    generalCategory == .control || generalCategory == .lineSeparator
      || generalCategory == .paragraphSeparator
  }
}
