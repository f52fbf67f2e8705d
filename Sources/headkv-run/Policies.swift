import ArgumentParser
import HeadKV

struct Policies: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the cache policies with their options and where they come from.")

  @Flag(help: "Print one JSON object on standard output.")
  var json = false

  func run() throws {
    if json { return try Output.json(["policies": PolicyCatalog.all]) }
    for policy in PolicyCatalog.all { Output.text(describe(policy), json: false, quiet: false) }
  }

  private func describe(_ policy: PolicyDescription) -> String {
    var lines = ["\(policy.name): \(policy.summary)"]
    if let source = policy.source { lines.append("  from \(source)") }
    for parameter in policy.parameters {
      lines.append("  \(parameter.name)=\(parameter.defaultValue): \(parameter.meaning)")
    }
    return lines.joined(separator: "\n")
  }
}
