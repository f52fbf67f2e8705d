extension GPTConfiguration {
  /// Classes the model knows, the null class not counted; 0 for a caption model.
  public var classCount: Int {
    if case .classes(let count) = conditioning { count } else { 0 }
  }
}

extension GPT {
  /// - Throws: ``ModelError`` if a picture cannot be drawn from `condition` with this model.
  public func check(_ condition: Condition) throws(ModelError) {
    if case .category(let index) = condition, configuration.classCount > 0 {
      guard index >= 0, index < configuration.classCount else {
        throw .classOutOfRange(index, classes: configuration.classCount)
      }
      return
    }
    _ = try prefix(condition)
  }
}
