import Foundation
import HeadKVWeights
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A counter put through a mixing function: run `n` can be repeated alone.
private struct CounterRandom: RandomNumberGenerator {
  var counter: UInt64

  mutating func next() -> UInt64 {
    counter &+= 0x9e37_79b9_7f4a_7c15
    var mixed = counter
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }
}

@Suite struct WeightFuzzTests {
  private static let interesting: [UInt64] = [
    0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 32, 1 << 62,
    1 << 63, .max, .max - 1,
  ]

  private func seeds() throws -> [[UInt8]] {
    let entry = "{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}"
    let half = "{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[8,12]}"
    let plain = safetensors(
      "{\"__metadata__\":{\"a\":\"\\u00e9\"},\"w\":\(entry),\"h\":\(half)}",
      data: [UInt8](repeating: 0x3f, count: 12))
    let view = singleTensor(count: 12, offset: 1, shape: [2, 2, 2], strides: [6, 1, 3])
    let data = floatBytes((0..<12).map(Float.init))
    return try [
      plain, trainingCheckpoint(), torchArchive(view, storages: ["0": data]),
      torchArchive(view, storages: ["0": data], zip64: true), sealed(),
    ]
  }

  /// A file whose header has its own digest.
  private func sealed() throws -> [UInt8] {
    let path = NSTemporaryDirectory() + "headkv-sealed-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try SafetensorsWriter.write(
      [.f32("w", [2], [1, 2]), .i64("n", [1], [3])],
      metadata: [HeaderSeal.key: HeaderSeal.open, "a": "b"], to: path)
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  private func mutate(_ bytes: inout [UInt8], _ seeds: [[UInt8]], _ random: inout CounterRandom) {
    for _ in 0...random.below(4) where !bytes.isEmpty {
      let at = random.below(bytes.count)
      switch random.below(7) {
      case 0: bytes[at] ^= 1 << UInt8(random.below(8))
      case 1: bytes[at] = UInt8(truncatingIfNeeded: random.next())
      case 2: bytes.removeLast(random.below(bytes.count))
      case 3:
        let other = seeds[random.below(seeds.count)]
        let from = random.below(other.count)
        let piece = other[from..<min(other.count, from + 1 + random.below(64))]
        if random.below(2) == 0 {
          bytes.insert(contentsOf: piece, at: at)
        } else {
          bytes.replaceSubrange(at..<min(bytes.count, at + piece.count), with: piece)
        }
      case 4: bytes.removeSubrange(at..<min(bytes.count, at + 1 + random.below(16)))
      case 5:
        let value = Self.interesting[random.below(Self.interesting.count)]
        for index in 0..<(1 << random.below(4)) where at + index < bytes.count {
          bytes[at + index] = UInt8(truncatingIfNeeded: value >> UInt64(index * 8))
        }
      default:
        // A digit of a header, or the argument of an opcode.
        if bytes[at] >= 0x30, bytes[at] <= 0x39 {
          bytes[at] = 0x30 + UInt8(random.below(10))
        } else {
          bytes[at] &+= 1
        }
      }
    }
  }

  /// Whatever the bytes, reading them gives a catalog or an error, and every tensor of a catalog
  /// can be read.
  @Test func mutatedFilesNeverCrash() throws {
    let runs = getenv("HEADKV_FUZZ_RUNS").flatMap { Int(String(cString: $0)) } ?? 20000
    let seeds = try seeds()
    for seed in seeds { _ = try TensorCatalog.read(seed, name: "seed") }
    let pickle = trainingPickle()
    let index = Array(
      "{\"metadata\":{\"n\":[1,-2.5e3,null,true]},\"weight_map\":{\"a\":\"s1\",\"b\":\"s\\u0032\"}}".utf8)
    _ = try ShardIndex.parse(index, path: "index")
    var opened = 0
    let start = ContinuousClock.now
    for run in 0..<runs {
      var random = CounterRandom(counter: UInt64(run) << 20)
      var bytes: [UInt8]
      switch run % 8 {
      case 4, 5, 6:
        // Damage inside a sound archive, so that the pickle reader sees it.
        bytes = pickle
        mutate(&bytes, [pickle], &random)
        bytes = torchArchive(bytes, storages: trainingStorages)
      case 7:
        bytes = index
        mutate(&bytes, [index], &random)
      default:
        // The last seed takes turns with the first.
        bytes = seeds[run % 16 == 8 ? 4 : run % 8]
        mutate(&bytes, seeds, &random)
      }
      do throws(WeightError) {
        if run % 8 == 7 {
          _ = try ShardIndex.parse(bytes, path: "fuzz")
          continue
        }
        let catalog = try TensorCatalog.read(bytes, name: "fuzz")
        opened += 1
        for info in catalog.tensors where info.elementCount <= 4096 {
          let tensor = try catalog.tensor(info.name)
          let floats = try tensor.floats()
          guard floats.count == info.elementCount else {
            Issue.record("run \(run): \(floats.count) floats for \(info.shape)")
            return
          }
          if info.dtype.isInteger { _ = try tensor.integers() }
        }
      } catch {
        guard error.description.hasPrefix("fuzz: ") else {
          Issue.record("run \(run): \(error.description)")
          return
        }
      }
    }
    let elapsed = ContinuousClock.now - start
    print("fuzz: \(runs) runs, \(opened) opened, \(elapsed / max(runs, 1)) each")
    #expect(opened < runs || runs < 100)
  }
}
