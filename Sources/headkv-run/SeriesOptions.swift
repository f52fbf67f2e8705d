import ArgumentParser
import HeadKV

/// How a long series of pictures is shared out, continued and accounted for.
struct SeriesOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Draw the i-th of n parts: pictures i, i + n, i + 2n, ... of all, i from 1 to n. Numbers in "
        + "names and seeds are those of all pictures.", valueName: "i/n"))
  var shard: String?

  @Flag(
    help: ArgumentHelp(
      "Keep pictures that are there, whole, and as this run would draw them; draw the others. One "
        + "with another recipe is an error."))
  var resume = false

  @Option(
    help: ArgumentHelp(
      "Write a line of JSON on each picture: file, SHA-256, seed, class, settings. (default: "
        + "beside the pictures under --shard or --resume: manifest-i-of-n.jsonl, manifest.jsonl)",
      valueName: "file"),
    completion: .file(extensions: ["jsonl"]))
  var manifest: String?

  @Option(
    help: ArgumentHelp(
      "Memory that the process may take, as 4GiB: draws as many pictures at the same time, up to "
        + "--batch, as fit, and without --kv-budget sets one where a whole cache does not fit.",
      valueName: "size"))
  var maxMemory: String?

  func validate() throws {
    if let shard, Shard(shard) == nil {
      throw ValidationError("--shard is '\(shard)'; it must be i/n, i from 1 to n: 1/16 to 16/16")
    }
    if let maxMemory, Self.bytes(maxMemory) == nil {
      throw ValidationError("--max-memory is '\(maxMemory)'; it must be a size, such as 4GiB")
    }
  }

  var part: Shard { shard.flatMap(Shard.init) ?? .whole }

  /// Bytes that the process may take, if that is limited.
  var memoryLimit: Int? { maxMemory.flatMap(Self.bytes) }

  private static func bytes(_ text: String) -> Int? {
    guard case .bytes(let count)? = try? CacheBudget(parsing: text) else { return nil }
    return count
  }

  /// What was asked for that only makes sense with a file for each picture.
  var needsFiles: String? {
    if shard != nil { return "--shard" }
    if resume { return "--resume" }
    return manifest == nil ? nil : "--manifest"
  }
}
