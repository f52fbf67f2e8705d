import ArgumentParser
import Foundation
import HeadKV
import HeadKVBench
import HeadKVMath

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check that everything works here, and say what a report of a problem should tell.",
    discussion: """
      Checks OpenBLAS, the threads, every kernel that the processor allows against a plain loop, \
      memory and its bandwidth, the bundled model on each set of kernels, and where files are \
      written. Takes some seconds; the exit code is 1 if a check failed.
      """)

  @OptionGroup var common: CommonOptions

  func run() throws {
    let threads = common.threadCount ?? WorkerPool.availableProcessors
    let pool = WorkerPool(threads: threads)
    var findings: [Finding] = []
    for check in try DoctorCheck.all(pool: pool) {
      if Interrupt.isRequested { throw GenerationCancelled() }
      let finding = check.run()
      say(finding.line)
      findings.append(finding)
    }
    let report = DoctorReport(findings, threads: threads)
    if common.json { try Output.json(report) }
    say("\nTo be pasted into a report of a problem:\n\n" + report.text)
    if !report.ok { throw ExitCode(1) }
  }

  private func say(_ text: String) { Output.text(text, json: common.json, quiet: common.quiet) }
}
