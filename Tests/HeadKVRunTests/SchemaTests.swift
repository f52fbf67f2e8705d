import Foundation
import HeadKVTestSupport
import Testing

extension ToolTests {
  /// What `--json` prints is what `Documentation/schemas` says.
  @Suite struct SchemaTests {
    private func expect(
      _ name: String, of arguments: [String], in folder: Scratch
    ) throws {
      let run = try Tool(arguments, in: folder)
      #expect(run.code == 0, "\(run.errors)")
      #expect(try JSONSchema(named: name).problems(of: run.output) == [], "\(arguments)")
    }

    @Test func pictures() throws {
      let folder = try Scratch()
      let tokens = ["--tokens-out", "t.safetensors"]
      try expect(
        "generate", of: ["--kv-budget", "1/6", "-o", "p.png", "--json"] + tokens, in: folder)
      try expect(
        "generate", of: ["--kv-policy", "full", "--greedy", "--json"] + tokens, in: folder)
      try expect("decode", of: ["decode", "t.safetensors", "--json"], in: folder)
      try expect("tokenize", of: ["tokenize", "p.png", "--json"], in: folder)
      try expect("inspect-picture", of: ["inspect", "p.png", "--json"], in: folder)
    }

    @Test func picturesInPart() throws {
      let folder = try Scratch()
      let flags = ["--stop-after", "2", "--save", "s.safetensors", "--count", "2"]
      try expect("generate", of: ["generate", "--json"] + flags, in: folder)
      try expect("inspect", of: ["inspect", "s.safetensors", "--json"], in: folder)
      let go = ["--continue", "s.safetensors", "--seed", "9", "-o", "p.png"]
      try expect("generate", of: ["generate", "--json"] + go, in: folder)
      try expect("inspect-picture", of: ["inspect", "p.png", "--json"], in: folder)
    }

    @Test func weights() throws {
      let folder = try Scratch()
      try expect("inspect", of: ["inspect", "--tensors", "--json"], in: folder)
      try expect(
        "pack", of: ["pack", "--precision", "bf16", "-o", "m.headkv", "--json"], in: folder)
      try expect("inspect", of: ["inspect", "m.headkv", "--json"], in: folder)
    }

    @Test func policies() throws {
      let folder = try Scratch()
      let some = ["--limit", "1", "--json", "-q"]
      try expect("policies", of: ["policies", "--json"], in: folder)
      try expect("evaluate", of: ["evaluate"] + some, in: folder)
      try expect("evaluate", of: ["evaluate", "--kv-budget", "1/6"] + some, in: folder)
      try expect("compare", of: ["compare", "--kv-policy", "auto,full,window"] + some, in: folder)
    }

    @Test func profiles() throws {
      let folder = try Scratch()
      try expect(
        "profile", of: ["profile", "--limit", "2", "--check", "--json", "--save", "p.json"],
        in: folder)
      try expect("profile", of: ["profile", "--load", "p.json", "--json"], in: folder)
      let saved = try String(contentsOfFile: folder.file("p.json"), encoding: .utf8)
      #expect(try JSONSchema(named: "head-profile").problems(of: saved) == [])
    }

    @Test func wrongOutputsAreRefused() throws {
      let folder = try Scratch()
      let schema = try JSONSchema(named: "decode")
      #expect(schema.problems(of: #"{"files": ["a.png"]}"#) == [])
      #expect(schema.problems(of: #"{"files": [1]}"#) == ["$.files[0]: number, not [\"string\"]"])
      #expect(schema.problems(of: "{}") == ["$: no 'files'"])
      #expect(schema.problems(of: #"{"files": [], "n": 1}"#) == ["$: 'n' is not known"])
      let policies = try Tool(["policies", "--json"], in: folder).output
      for (found, wrong) in [
        ("\"needsBudget\" : true", "\"needsBudget\" : 1"), ("\"summary\"", "\"sumary\""),
        ("\"parameters\" : [", "\"parameters\" : [3,"),
      ] {
        let changed = policies.replacing(found, with: wrong)
        #expect(changed != policies)
        #expect(try JSONSchema(named: "policies").problems(of: changed) != [])
      }
    }
  }
}

@Suite struct JSONSchemaTests {
  /// Members of objects without a description, by place.
  private func undescribed(_ schema: JSONValue, _ place: String) -> [String] {
    guard case .object(let keywords) = schema else { return [] }
    return keywords.flatMap { (keyword, rule) -> [String] in
      switch (keyword, rule) {
      case ("properties", .object(let members)), ("$defs", .object(let members)):
        members.flatMap { name, member in
          (member["description"] == nil ? ["\(place).\(name)"] : [])
            + undescribed(member, "\(place).\(name)")
        }
      case ("items", let each): undescribed(each, place + "[]")
      default: []
      }
    }
  }

  @Test func everyMemberIsDescribedAndEverySchemaListed() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: JSONSchema.folder.path)
    let list = try String(
      contentsOf: JSONSchema.folder.appendingPathComponent("README.md"), encoding: .utf8)
    let schemas = files.filter { $0.hasSuffix(".schema.json") }
    #expect(schemas.count >= 14)
    for file in schemas {
      let text = try String(
        contentsOf: JSONSchema.folder.appendingPathComponent(file), encoding: .utf8)
      #expect(undescribed(try JSONValue(parsing: text), file) == [])
      #expect(list.contains("`\(file.dropLast(".schema.json".count))`"), "\(file)")
    }
  }

  private func problems(_ schema: String, _ value: String) throws -> Int {
    try JSONSchema(parsing: schema).problems(of: value).count
  }

  @Test(arguments: [
    (#"{"type": "integer"}"#, "3", "3.5"), (#"{"type": "integer"}"#, "0", "true"),
    (#"{"type": ["string", "null"]}"#, "null", "[]"), (#"{"type": "boolean"}"#, "true", "1"),
    (#"{"type": "number"}"#, "2", "\"2\""), (#"{"enum": ["a", 1]}"#, "1", "\"b\""),
    (#"{"minimum": 1, "maximum": 2}"#, "2", "2.5"), (#"{"minimum": 1}"#, "1", "0"),
    (#"{"minItems": 1, "maxItems": 2}"#, "[1]", "[]"), (#"{"maxItems": 2}"#, "[]", "[1, 2, 3]"),
    (#"{"items": {"type": "null"}}"#, "[null]", "[null, 0]"),
    (#"{"required": ["a"]}"#, #"{"a": 1}"#, #"{"b": 1}"#),
    (#"{"properties": {"a": {"type": "string"}}}"#, #"{"b": 1}"#, #"{"a": 1}"#),
    (#"{"properties": {"a": {}}, "additionalProperties": false}"#, #"{"a": 1}"#, #"{"b": 1}"#),
    (#"{"additionalProperties": {"type": "null"}}"#, #"{"b": null}"#, #"{"b": 1}"#),
    (##"{"$ref": "#/$defs/n", "$defs": {"n": {"type": "null"}}}"##, "null", "1"),
  ]) func tellsRightFromWrong(schema: String, right: String, wrong: String) throws {
    #expect(try problems(schema, right) == 0)
    #expect(try problems(schema, wrong) == 1)
  }

  /// A schema that says what nobody checks is wrong itself, and so is what is no JSON.
  @Test func overlooksNothing() throws {
    #expect(try problems(#"{"pattern": "a"}"#, "1") == 1)
    #expect(try problems(##"{"$ref": "#/$defs/n"}"##, "1") == 1)
    #expect(try problems(#"{"title": "t"}"#, "{") == 1)
  }
}
