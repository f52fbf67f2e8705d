/// Writes elements in order; values and texts are escaped, and every element that is opened is
/// closed.
package struct XMLBuilder {
  package typealias Attributes = KeyValuePairs<String, String>

  package private(set) var text = ""

  package init() {}

  /// An element with what `content` writes inside. `name` and attribute names are written as given.
  package mutating func element(
    _ name: String, _ attributes: Attributes = [:], _ content: (inout XMLBuilder) -> Void
  ) {
    open(name, attributes)
    text += ">"
    content(&self)
    text += "</\(name)>"
  }

  /// An element that holds `body` as text.
  package mutating func element(_ name: String, _ attributes: Attributes = [:], text body: String) {
    element(name, attributes) { $0.write(body) }
  }

  /// An element without content.
  package mutating func leaf(_ name: String, _ attributes: Attributes = [:]) {
    open(name, attributes)
    text += "/>"
  }

  /// Escaped text.
  package mutating func write(_ body: String) { text += XMLText.escaped(body) }

  /// Markup that is already right.
  package mutating func raw(_ markup: String) { text += markup }

  private mutating func open(_ name: String, _ attributes: Attributes) {
    text += "<\(name)"
    for (key, value) in attributes { text += " \(key)=\"\(XMLText.escaped(value))\"" }
  }
}
