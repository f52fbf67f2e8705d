extension String {
  /// The text with control characters escaped, cut where it is too long for a line: what a file or
  /// a person wrote must not break the line of an error.
  package var onOneLine: String {
    var line = ""
    for scalar in unicodeScalars {
      if line.utf8.count >= 1000 { return line + "..." }
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator:
        line += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: line.unicodeScalars.append(scalar)
      }
    }
    return line
  }
}
