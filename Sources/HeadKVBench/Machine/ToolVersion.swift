import HeadKVMath

/// What `--version` says.
package enum ToolVersion {
  package static let number = "0.1.0"

  /// The tool and its version on the first line; below it what the figures of a run depend on.
  package static func text(tool: String) -> String {
    """
    \(tool) \(number)
    OpenBLAS: \(BLAS.configuration)
    processor: \(WorkerPool.availableProcessors) to use; \(features)
    kernels: \(Kernels.instructionSet) (of \(Kernels.instructionSets.joined(separator: ", ")))
    """
  }

  private static var features: String {
    let all = Kernels.processorFeatures
    return all.isEmpty ? "no features that the kernels know" : all.joined(separator: " ")
  }
}
