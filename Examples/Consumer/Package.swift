// swift-tools-version: 6.2
import PackageDescription

// A package that depends on HeadKV, as yours would (by URL instead of by path).
let package = Package(
  name: "Consumer",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "HeadKV", path: "../..")],
  targets: [
    .executableTarget(
      name: "consumer",
      dependencies: [
        .product(name: "HeadKV", package: "HeadKV"),
        .product(name: "HeadKVCache", package: "HeadKV"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
