import Foundation
import HeadKVCache

/// What a person, a preset or a sidecar file says about a model beyond its tensors.
public struct GPTHints: Sendable, Hashable {
  public var heads: Int?
  public var grid: TokenGrid?
  public var preset: GPTPreset?
  public var ropeBase: Float?
  public var normEpsilon: Float?
  public var classNames: [String] = []

  public init(heads: Int? = nil, grid: TokenGrid? = nil, preset: GPTPreset? = nil) {
    self.heads = heads
    self.grid = grid
    self.preset = preset
  }

  private struct Sidecar: Decodable {
    var n_head: Int?
    var grid: Int?
    var block_size: Int?
    var rope_base: Float?
    var norm_eps: Float?
    var classes: [String]?
  }

  /// Reads a sidecar `config.json`: `n_head`, `grid` (cells on a side) or `block_size`,
  /// `rope_base`, `norm_eps`, `classes`.
  ///
  /// - Throws: ``ModelError/configuration(file:reason:)`` naming the file.
  public init(sidecar path: String) throws(ModelError) {
    let json: Data
    do { json = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
      throw Self.unreadable(path)
    }
    try self.init(sidecar: json, path: path)
  }

  /// Reads the `config.json` beside a weight file, as ``init(sidecar:)``; nil if there is none.
  public init?(beside weights: String) throws(ModelError) {
    let path = URL(fileURLWithPath: weights).deletingLastPathComponent()
      .appendingPathComponent("config.json").path
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    try self.init(sidecar: path)
  }

  private static func unreadable(_ path: String) -> ModelError {
    .configuration(file: path, reason: "not a readable model configuration")
  }

  /// Reads the text of a sidecar; `path` is for messages.
  package init(sidecar json: Data, path: String) throws(ModelError) {
    let sidecar: Sidecar
    do { sidecar = try JSONDecoder().decode(Sidecar.self, from: json) } catch {
      throw Self.unreadable(path)
    }
    if let heads = sidecar.n_head, !(1...4096).contains(heads) {
      throw .configuration(file: path, reason: "n_head is \(heads)")
    }
    var side = sidecar.grid
    if side == nil, let block = sidecar.block_size, block > 0 {
      let root = Int(Double(block).squareRoot().rounded())
      side = root * root == block ? root : nil
    }
    if let side {
      guard (1...1024).contains(side) else {
        throw .configuration(file: path, reason: "grid is \(side)")
      }
      grid = TokenGrid(width: side, height: side)
    }
    heads = sidecar.n_head
    ropeBase = sidecar.rope_base
    normEpsilon = sidecar.norm_eps
    classNames = sidecar.classes ?? []
  }

  /// These hints where they say something, `other`'s where they do not.
  public func filled(from other: GPTHints) -> GPTHints {
    var hints = self
    hints.heads = heads ?? preset?.heads ?? other.heads
    hints.grid = grid ?? other.grid
    hints.ropeBase = ropeBase ?? other.ropeBase
    hints.normEpsilon = normEpsilon ?? other.normEpsilon
    if classNames.isEmpty { hints.classNames = other.classNames }
    return hints
  }
}
