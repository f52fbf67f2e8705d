import Foundation

/// The part of JSON Schema (draft 2020-12) that the schemas of this package use.
///
/// A keyword that is not among it is an error of the schema, so that none is overlooked.
public struct JSONSchema: Sendable {
  private let root: JSONValue

  public init(parsing text: String) throws { root = try JSONValue(parsing: text) }

  /// Where the schemas of the tools' output are.
  public static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Documentation/schemas")

  private static let suffix = ".schema.json"

  /// A schema of ``folder``.
  public init(named name: String) throws {
    try self.init(
      parsing: String(
        contentsOf: Self.folder.appendingPathComponent(name + Self.suffix), encoding: .utf8))
  }

  /// What is wrong with a text, by place; empty if it is as the schema says.
  public func problems(of text: String) -> [String] {
    guard let value = try? JSONValue(parsing: text) else {
      return ["not JSON: \(text.prefix(200))"]
    }
    return problems(value, root, "$")
  }

  private func problems(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> [String] {
    guard case .object(let keywords) = schema else { return ["\(place): the schema is no object"] }
    return keywords.sorted { $0.key < $1.key }.flatMap { (keyword, rule) -> [String] in
      switch (keyword, rule) {
      case ("$schema", _), ("title", _), ("description", _), ("$defs", _): []
      case ("$ref", .string(let file)) where file.hasSuffix(Self.suffix):
        (try? JSONSchema(named: String(file.dropLast(Self.suffix.count))))
          .map { $0.problems(value, $0.root, place) } ?? ["\(place): no schema \(file)"]
      case ("$ref", .string(let path)):
        definition(path).map { problems(value, $0, place) } ?? ["\(place): no \(path)"]
      case ("type", .string(let name)): type(value, [name], place)
      case ("type", .array(let names)):
        type(value, names.compactMap(\.string), place)
      case ("enum", .array(let values)):
        values.contains(value) ? [] : ["\(place): \(value) is none of \(values)"]
      case ("minimum", .number(let least)): bound(value, place) { $0 >= least }
      case ("maximum", .number(let most)): bound(value, place) { $0 <= most }
      case ("minItems", .number(let least)): length(value, place) { $0 >= Int(least) }
      case ("maxItems", .number(let most)): length(value, place) { $0 <= Int(most) }
      case ("items", let each): items(value, each, place)
      case ("properties", .object(let members)):
        members.sorted { $0.key < $1.key }.flatMap { name, member in
          value[name].map { problems($0, member, "\(place).\(name)") } ?? []
        }
      case ("required", .array(let names)): missing(value, names, place)
      case ("additionalProperties", let rule): additional(value, keywords, rule, place)
      default: ["\(place): the schema's '\(keyword)' is not understood"]
      }
    }
  }

  private func definition(_ path: String) -> JSONValue? {
    guard path.hasPrefix("#/") else { return nil }
    return path.dropFirst(2).split(separator: "/").reduce(root) { $0?[String($1)] }
  }

  private func type(_ value: JSONValue, _ names: [String], _ place: String) -> [String] {
    let found: [String] =
      switch value {
      case .null: ["null"]
      case .bool: ["boolean"]
      case .number(let number): number == number.rounded() ? ["number", "integer"] : ["number"]
      case .string: ["string"]
      case .array: ["array"]
      case .object: ["object"]
      }
    return found.contains(where: names.contains) ? [] : ["\(place): \(found[0]), not \(names)"]
  }

  private func bound(
    _ value: JSONValue, _ place: String, _ holds: (Double) -> Bool
  ) -> [String] {
    guard case .number(let number) = value, !holds(number) else { return [] }
    return ["\(place): \(number) is out of range"]
  }

  private func length(_ value: JSONValue, _ place: String, _ holds: (Int) -> Bool) -> [String] {
    guard case .array(let values) = value, !holds(values.count) else { return [] }
    return ["\(place): of \(values.count) items"]
  }

  private func items(_ value: JSONValue, _ each: JSONValue, _ place: String) -> [String] {
    guard case .array(let values) = value else { return [] }
    return values.enumerated().flatMap { problems($0.element, each, "\(place)[\($0.offset)]") }
  }

  private func missing(_ value: JSONValue, _ names: [JSONValue], _ place: String) -> [String] {
    guard case .object(let members) = value else { return [] }
    return names.compactMap { name in
      guard let name = name.string, members[name] == nil else { return nil }
      return "\(place): no '\(name)'"
    }
  }

  private func additional(
    _ value: JSONValue, _ schema: [String: JSONValue], _ rule: JSONValue, _ place: String
  ) -> [String] {
    guard case .object(let members) = value else { return [] }
    let others = members.sorted { $0.key < $1.key }.filter {
      schema["properties"]?[$0.key] == nil
    }
    if rule == .bool(false) { return others.map { "\(place): '\($0.key)' is not known" } }
    return others.flatMap { problems($0.value, rule, "\(place).\($0.key)") }
  }
}
