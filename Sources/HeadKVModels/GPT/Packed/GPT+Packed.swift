internal import HeadKVFiles
import HeadKVMath
import HeadKVWeights

extension GPT {
  /// Writes a packed file: all that this model needs, as it lies in memory, so that the next start
  /// maps it and packs nothing.
  ///
  /// The file is whole or absent. It names what it was made from and holds the SHA-256 of its
  /// header and of each tensor.
  /// - Parameters:
  ///   - source: what the model was loaded from.
  ///   - threads: threads that compute digests; default: all processors, at most 1024.
  /// - Throws: ``ModelError``, also if the model is not packed or comes from a packed file.
  public func writePacked(
    to path: String, source: TensorCatalog, classNames: [String] = [], threads: Int? = nil
  ) throws(ModelError) {
    guard precision != .auto else {
      throw .configuration(
        file: source.path, reason: "loaded in place: only f32, bf16, bf12 and int8 are packed")
    }
    guard !PackedHeader.isPresent(in: source) else {
      throw .configuration(file: source.path, reason: "packed already")
    }
    let pool = WorkerPool(threads: WorkerPool.nearest(threads ?? WorkerPool.availableProcessors))
    let gains = FloatStorage(outputGains(pool: pool).values)
    var tensors = weights.flatMap(\.stored)
    tensors += Weight(PackedReader.gains, .vector(gains, [layers.count, configuration.heads])).stored

    let digests = try Self.digests(source.paths, tensors, pool)
    let header = PackedHeader(
      configuration: configuration, precision: precision, classNames: classNames,
      sources: zip(source.paths, digests).map {
        .init(name: $0.split(separator: "/").last.map(String.init) ?? $0, digest: $1)
      })
    var metadata = header.metadata
    for (tensor, digest) in zip(tensors, digests.dropFirst(source.paths.count)) {
      metadata[PackedHeader.Key.tensor + tensor.name] = digest
    }
    do throws(WeightError) {
      try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    } catch { throw .weights(error) }
  }

  /// The SHA-256 of the files at `paths` and then of `tensors`.
  private static func digests(
    _ paths: [String], _ tensors: [TensorToWrite], _ pool: WorkerPool
  ) throws(ModelError) -> [String] {
    let count = paths.count + tensors.count
    let results = pool.map(tasks: count) { task in
      Result { () throws(FileError) in
        task < paths.count
          ? try SHA256.digest(ofFile: paths[task]) : tensors[task - paths.count].digest() ?? ""
      }
    }
    var digests: [String] = []
    for result in results {
      do { digests.append(try result.get()) } catch { throw .weights(WeightError(error)) }
    }
    return digests
  }

  /// Compares each tensor of a packed file with the digest that was written beside it.
  ///
  /// - Returns: what is wrong; nothing for a sound file.
  /// - Complexity: reads the whole file.
  public static func damage(in packed: TensorCatalog, threads: Int? = nil) -> [WeightError] {
    let tensors = packed.tensors
    let pool = WorkerPool(threads: WorkerPool.nearest(threads ?? WorkerPool.availableProcessors))
    let problems: [WeightError?] = pool.map(tasks: tensors.count) { index in
      let info = tensors[index]
      let expected = packed.metadata[PackedHeader.Key.tensor + info.name]
      let found = try? packed.tensor(info.name).digest()
      guard expected == nil || expected != found else { return nil }
      let problem: WeightError.Problem =
        if let expected {
          .digestMismatch(of: "tensor", expected: expected, found: found ?? "none")
        } else { .missingMember(PackedHeader.Key.tensor + info.name) }
      return WeightError(
        file: info.file, tensor: info.name, offset: info.offset, problem: problem)
    }
    return problems.compactMap { $0 }
  }
}
