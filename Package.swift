// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.strictMemorySafety()]

let package = Package(
  name: "HeadKV",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "HeadKV", targets: ["HeadKV"]),
    .library(name: "HeadKVCache", targets: ["HeadKVCache"]),
    .library(name: "HeadKVReport", targets: ["HeadKVReport"]),
    .executable(name: "headkv-run", targets: ["headkv-run"]),
    .executable(name: "headkv-bench", targets: ["headkv-bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
  ],
  targets: [
    // MARK: - C libraries of the system
    .systemLibrary(
      name: "COpenBLAS", path: "Modules/COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
    .systemLibrary(
      name: "CLAPACKE", path: "Modules/CLAPACKE", pkgConfig: "lapacke",
      providers: [.apt(["liblapacke-dev"]), .brew(["lapack"])]),
    .systemLibrary(
      name: "CLibPNG", path: "Modules/CLibPNG", pkgConfig: "libpng",
      providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CZlib", path: "Modules/CZlib", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),

    // MARK: - Libraries
    .target(name: "CHeadKVKernels"),
    .target(
      name: "HeadKVMath", dependencies: ["CHeadKVKernels", "COpenBLAS", "CLAPACKE", "HeadKVFiles"],
      swiftSettings: strict),
    .target(name: "HeadKVSelfCheck", dependencies: ["HeadKVMath"], swiftSettings: strict),
    .target(name: "HeadKVWeights", dependencies: ["HeadKVFiles"], swiftSettings: strict),
    .target(
      name: "HeadKVCache", dependencies: ["HeadKVMath", "HeadKVFiles"], swiftSettings: strict),
    .target(
      name: "HeadKVModels",
      dependencies: ["HeadKVMath", "HeadKVWeights", "HeadKVCache", "HeadKVFiles"],
      swiftSettings: strict),

    .target(name: "HeadKVFiles", dependencies: ["CHeadKVKernels"], swiftSettings: strict),
    .target(
      name: "HeadKVImage", dependencies: ["CLibPNG", "CZlib", "HeadKVFiles"],
      swiftSettings: strict),
    .target(
      name: "HeadKVReport", dependencies: ["HeadKVImage", "HeadKVFiles"], swiftSettings: strict),
    .target(
      name: "HeadKV",
      dependencies: [
        "HeadKVMath", "HeadKVWeights", "HeadKVCache", "HeadKVModels", "HeadKVImage", "HeadKVFiles",
      ],
      resources: [.copy("Resources/c10")],
      swiftSettings: strict),
    .target(
      name: "HeadKVBench", dependencies: ["HeadKV", "HeadKVMath", "HeadKVFiles"],
      swiftSettings: strict),

    // MARK: - Tools
    .executableTarget(
      name: "headkv-run",
      dependencies: [
        "HeadKV", "HeadKVReport", "HeadKVBench", "HeadKVSelfCheck", "HeadKVMath", "HeadKVFiles",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(
      name: "headkv-bench",
      dependencies: [
        "HeadKVBench", "HeadKV", "HeadKVMath",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // MARK: - Tests
    .testTarget(name: "HeadKVMathTests", dependencies: ["HeadKVMath", "HeadKVSelfCheck"]),
    .testTarget(name: "HeadKVCacheTests", dependencies: ["HeadKVCache", "HeadKVMath"]),
    .target(
      name: "HeadKVTestSupport", dependencies: ["HeadKVModels", "HeadKVWeights"],
      path: "Tests/HeadKVTestSupport", resources: [.copy("Goldens")]),
    .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
    .testTarget(
      name: "HeadKVModelsTests",
      dependencies: [
        "HeadKVModels", "HeadKVMath", "HeadKVWeights", "HeadKVCache", "HeadKVTestSupport",
      ]),
    .testTarget(
      name: "HeadKVWeightsTests",
      dependencies: ["HeadKVWeights", "HeadKVFiles", "HeadKVTestSupport"]),
    .target(
      name: "HeadKVFuzz", dependencies: ["HeadKV", "HeadKVTestSupport"], path: "Tests/HeadKVFuzz"),
    .testTarget(
      name: "HeadKVFuzzTests", dependencies: ["HeadKVFuzz"], resources: [.copy("Corpus")]),
    .testTarget(
      name: "HeadKVRunTests", dependencies: ["headkv-run", "HeadKV", "HeadKVTestSupport"],
      exclude: ["Help"]),
    .testTarget(
      name: "HeadKVBenchTests",
      dependencies: ["headkv-bench", "HeadKVBench", "HeadKV", "HeadKVMath", "HeadKVTestSupport"],
      exclude: ["Help"]),
    .testTarget(
      name: "HeadKVDocumentationTests", dependencies: ["HeadKV", "HeadKVCache"]),
    .testTarget(name: "HeadKVImageTests", dependencies: ["HeadKVImage"]),
    .testTarget(name: "HeadKVReportTests", dependencies: ["HeadKVReport", "HeadKVImage"]),
    .testTarget(
      name: "HeadKVTests", dependencies: ["HeadKV", "HeadKVTestSupport", "CAllocationCounter"]),
  ],
  swiftLanguageModes: [.v6]
)

// libFuzzer brings the `main`: only `make fuzz`, which links it, builds this.
if Context.environment["HEADKV_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(name: "headkv-fuzz", dependencies: ["HeadKVFuzz"], path: "Tests/headkv-fuzz"))
}
