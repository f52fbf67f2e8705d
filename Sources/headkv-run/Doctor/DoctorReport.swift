import Foundation
import HeadKVBench
import HeadKVMath
import HeadKVSelfCheck

/// All findings, and the machine that they are of.
struct DoctorReport: Encodable {
  let ok: Bool
  let version: String
  /// Of the sources that the tool was built from, if it lies among them.
  let commit: String?
  let system: String
  let processor: String
  let processorFeatures: [String]
  let processors: Int
  let memoryBytes: Int
  let kernels: String
  let threads: Int
  let openBLAS: String
  /// Variables of the environment that change what the tool does.
  let environment: [String: String]
  let checks: [Finding]

  init(_ findings: [Finding], threads: Int) {
    ok = findings.allSatisfy { $0.outcome != .failed }
    version = ToolVersion.number
    commit = SourceRevision.current
    var names = utsname()
    uname(&names)
    func text<Field>(_ field: Field) -> String {
      withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    system = "\(text(names.sysname)) \(text(names.release)) \(text(names.machine))"
    processor = MachineDescription.cpuName
    processorFeatures = Kernels.processorFeatures
    processors = WorkerPool.availableProcessors
    memoryBytes = MachineDescription.memoryBytes
    kernels = Kernels.instructionSet
    self.threads = threads
    openBLAS = BLAS.configuration
    environment = ProcessInfo.processInfo.environment.filter {
      $0.key.hasPrefix("HEADKV_") || $0.key.hasPrefix("OPENBLAS_")
    }
    checks = findings
  }

  /// The same for people, in lines.
  var text: String {
    let settings = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let found = checks.map { $0.outcome == .ok ? "" : "\($0.line)\n" }.joined()
    return """
      headkv-run \(version), \(commit.map { "commit \($0)" } ?? "installed")
      system: \(system)
      processor: \(processor), \(processors) to use; \(processorFeatures.joined(separator: " "))
      memory: \(Output.bytes(memoryBytes))
      kernels: \(kernels); threads: \(threads)
      OpenBLAS: \(openBLAS)
      environment: \(settings.isEmpty ? "-" : settings.joined(separator: " "))
      \(found.isEmpty ? "all \(checks.count) checks passed" : String(found.dropLast()))
      """
  }
}
