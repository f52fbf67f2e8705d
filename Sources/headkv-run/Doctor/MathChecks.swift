import Foundation
import HeadKVBench
import HeadKVMath
import HeadKVSelfCheck

extension DoctorCheck {
  /// All checks, in the order of what depends on what.
  static func all(pool: WorkerPool) throws -> [DoctorCheck] {
    let portable = Portable()
    return [openBLAS, threads(pool)] + Kernels.instructionSets.map(kernels)
      + [memory, bandwidth(pool), model(threads: pool.threads)]
      + Kernels.instructionSets.map { predictions($0, against: portable) } + [
        writing("writing here", FileManager.default.currentDirectoryPath),
        writing("temporary files", FileManager.default.temporaryDirectory.path),
      ]
  }

  private static var openBLAS: DoctorCheck {
    DoctorCheck("OpenBLAS") {
      let error = ProductCheck.openBLAS(m: 67, n: 129, k: 65)
      return Answer(
        BLAS.threads == 1 && error <= 1,
        "\(BLAS.configuration); \(BLAS.threads) thread\(BLAS.threads == 1 ? "" : "s"); "
          + "a product is off by \(share(error))",
        ["threads": Double(BLAS.threads), "error": error])
    }
  }

  private static func threads(_ pool: WorkerPool) -> DoctorCheck {
    DoctorCheck("threads") {
      let report = PoolReport(pool)
      let processors = ProcessorCount.current
      var answer = Answer(
        report.isExact,
        "\(report.workers) of \(report.threads) at work; processors to use: \(processors.usable)"
          + limits(processors)
          + String(format: "; a parallel region costs %.1f us", report.microseconds),
        [
          "threads": Double(report.threads), "workers": Double(report.workers),
          "processors": Double(processors.usable), "activeProcessors": Double(processors.active),
          "regionMicroseconds": report.microseconds,
        ])
      answer.figures["allowedProcessors"] = processors.allowed.map(Double.init)
      answer.figures["quota"] = processors.quota
      if !report.isExact {
        answer.detail += "; tasks were lost or done twice"
      } else if report.threads > processors.usable {
        answer.outcome = .note
        answer.detail += "; fewer threads are faster: -t \(processors.usable)"
      } else if report.workers < report.threads {
        answer.outcome = .note
        answer.detail += "; other processes keep the rest from running"
      }
      return answer
    }
  }

  /// Why not all processors are to use.
  private static func limits(_ processors: ProcessorCount) -> String {
    guard processors.usable < processors.active else { return "" }
    let reasons = [
      processors.allowed.map { "affinity allows \($0)" },
      processors.quota.map { String(format: "control groups grant %.1f", $0) },
    ].compactMap { $0 }
    return " of \(processors.active) (\(reasons.joined(separator: ", ")))"
  }

  private static func kernels(_ instructionSet: String) -> DoctorCheck {
    DoctorCheck("kernels \(instructionSet)") {
      let report = KernelReport(instructionSet)
      let failures = report.failures
      return Answer(
        failures.isEmpty,
        "\(report.errors.count) against plain loops; "
          + (failures.isEmpty
            ? "off by \(share(report.worst)) at most"
            : "wrong: \(failures.joined(separator: ", "))"),
        ["kernels": Double(report.errors.count), "error": report.worst])
    }
  }

  private static func share(_ error: Double) -> String {
    String(format: "%.2f of the bound", error)
  }

  private static var memory: DoctorCheck {
    DoctorCheck("memory") {
      guard let left = AvailableMemory.bytes else {
        return Answer(true, "\(Output.bytes(MachineDescription.memoryBytes)) in all")
      }
      return Answer(
        left >= 256 << 20,
        "\(Output.bytes(left)) of \(Output.bytes(MachineDescription.memoryBytes)) available",
        ["availableBytes": Double(left), "bytes": Double(MachineDescription.memoryBytes)])
    }
  }

  private static func bandwidth(_ pool: WorkerPool) -> DoctorCheck {
    DoctorCheck("memory bandwidth") {
      // Beyond the caches, but no more than a quarter of what is left.
      let cache = MachineDescription.lastLevelCacheBytes ?? 0
      let wanted = min(max(512 << 20, 4 * cache), (AvailableMemory.bytes ?? 2 << 30) / 4)
      let reader = ReadBandwidth(pool: pool, bytes: max(wanted, 16 << 20))
      reader.measure()
      return Answer(
        reader.peak > 0,
        String(
          format: "%.1f GB/s read, %.1f at the peak", reader.sustained / 1e9, reader.peak / 1e9),
        ["bytesPerSecond": reader.sustained, "peakBytesPerSecond": reader.peak])
    }
  }
}
