import Foundation
import HeadKV

/// Classes as `--class` names them.
enum ClassList {
  /// The indices that one value stands for: an index, a name, a range 0-9 or `all`.
  ///
  /// - Throws: ``OptionError`` or ``ModelError`` naming what is no class.
  static func indices(_ text: String, _ model: ImageModel) throws -> [Int] {
    if text == "all" { return Array(0..<model.gpt.configuration.classCount) }
    let parts = text.replacingOccurrences(of: "...", with: "-").split(separator: "-")
    if parts.count == 2, let first = Int(parts[0]), let last = Int(parts[1]) {
      guard first <= last else { throw OptionError("class range", text, "from low to high") }
      let low = try model.classIndex("\(first)")
      return Array(low...(try model.classIndex("\(last)")))
    }
    return [try model.classIndex(text)]
  }
}
