import Foundation
import HeadKVTestSupport
import HeadKVWeights
import Testing

import HeadKVModels

private func tensors(except: String? = nil) throws -> [TensorToWrite] {
  let catalog = try TensorCatalog.open(Golden.path("vq-f4/vq.safetensors"))
  return try catalog.tensors.filter { $0.name != except }.map {
    .f32($0.name, $0.shape, try catalog.tensor($0.name).floats())
  }
}

private func tokenizer(of tensors: [TensorToWrite]) throws -> VQTokenizer {
  let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
  defer { try? FileManager.default.removeItem(atPath: path) }
  try SafetensorsWriter.write(tensors, to: path)
  return try VQTokenizer(TensorCatalog.open(path))
}

@Suite struct VQTokenizerTests {
  static func check(_ folder: String, weights: String, threads: Int) throws {
    let catalog = try TensorCatalog.open(folder + "/" + weights)
    #expect(VQTokenizer.isVQ(catalog))
    let vq = try VQTokenizer(catalog)
    #expect(vq.unexpected == [] && vq.hasEncoder)
    let golden = try TensorCatalog.open(folder + "/expected.safetensors")
    let side = try #require(golden["images"]).shape[3]
    let grid = side / vq.downsampling
    let images = try golden.tensor("images").floats()
    let tokens = try golden.tensor("tokens").integers()
    let pixels = try golden.tensor("encode_input").floats()
    let codes = try golden.tensor("encode_tokens").integers()
    var worst: Float = 0
    for index in 0..<2 {
      let found = try vq.decode(
        tokens: tokens[(index * grid * grid)..<((index + 1) * grid * grid)].map { Int32($0) },
        width: grid, height: grid, threads: threads)
      let expected = images[(index * 3 * side * side)..<((index + 1) * 3 * side * side)]
      try #require(found.count == expected.count)
      worst = zip(found, expected).reduce(worst) { max($0, abs($1.0 - $1.1)) }
      let encoded = try vq.encode(
        pixels: Array(pixels[(index * 3 * side * side)..<((index + 1) * 3 * side * side)]),
        width: side, height: side, threads: threads)
      #expect(
        encoded == codes[(index * grid * grid)..<((index + 1) * grid * grid)].map { Int32($0) })
    }
    print("\(folder): images agree within \(worst)")
    #expect(worst < 1e-3)
  }

  @Test(arguments: [1, 2]) func golden(threads: Int) throws {
    try Self.check(Golden.path("vq-f4"), weights: "vq.safetensors", threads: threads)
  }

  @Test(.enabled(if: SharedFiles.exist)) func goldenOfFiveLevels() throws {
    try Self.check(SharedFiles.path("goldens/vq-f16"), weights: "vq.pt", threads: 2)
  }

  @Test func properties() throws {
    let vq = try tokenizer(of: tensors())
    #expect(vq.codebookSize == 64 && vq.codeDimension == 8 && vq.downsampling == 4)
  }

  @Test func badArguments() throws {
    let vq = try tokenizer(of: tensors())
    for (tokens, width, height, threads) in [
      ([0], 1, 1, 0), ([0], 1, 1, -1), ([0], 1, 1, .max), ([0], 2, 1, 1), ([64], 1, 1, 1),
      ([-1], 1, 1, 1), ([], 0, 0, 1), ([0], -1, -1, 1), ([0], .max, .max, 1),
    ] as [([Int32], Int, Int, Int)] {
      #expect(throws: VQError.self) {
        try vq.decode(tokens: tokens, width: width, height: height, threads: threads)
      }
    }
    for (count, width, height, threads) in [
      (48, 4, 4, 0), (47, 4, 4, 1), (75, 5, 5, 1), (0, 0, 0, 1), (48, -4, -4, 1),
      (0, .max, .max, 1), (0, 1 << 40, 4, 1),
    ] {
      #expect(throws: VQError.self) {
        try vq.encode(
          pixels: [Float](repeating: 0, count: count), width: width, height: height,
          threads: threads)
      }
    }
    let error = #expect(throws: VQError.self) {
      try vq.decode(tokens: [0, 64], width: 2, height: 1, threads: 1)
    }
    #expect(error?.description == "token 64 at position 1 is outside 0..<64")
  }

  @Test func withoutEncoder() throws {
    let decoderOnly = try tensors().filter { !$0.name.hasPrefix("encoder.") }
    let vq = try tokenizer(of: decoderOnly)
    #expect(!vq.hasEncoder)
    #expect(throws: VQError.self) {
      try vq.encode(pixels: [Float](repeating: 0, count: 48), width: 4, height: 4, threads: 1)
    }
  }

  @Test func unexpectedTensors() throws {
    let more: [TensorToWrite] = [
      .f32("quantize.codebook_used", [2], [0, 0]), .f32("extra.weight", [1], [0]),
      .f32("decoder.conv_blocks.99999999999999999999.x", [1], [0]),
    ]
    let vq = try tokenizer(of: tensors() + more)
    #expect(
      vq.unexpected.sorted() == ["decoder.conv_blocks.99999999999999999999.x", "extra.weight"])
  }

  /// Every third tensor stands for all of them.
  @Test func missingTensors() throws {
    let all = try tensors()
    for index in stride(from: 0, to: all.count, by: 3) {
      let name = all[index].name
      var rest = all
      rest.remove(at: index)
      let error = #expect(throws: VQError.self) { try tokenizer(of: rest) }
      #expect(error?.description.contains("'\(name)'") == true)
      #expect(error?.cause?.problem == .missingTensor)
    }
  }

  @Test func wrongShapes() throws {
    let all = try tensors()
    for index in stride(from: 0, to: all.count, by: 3) {
      var wrong = all
      let tensor = all[index]
      wrong[index] = .f32(tensor.name, [2, 1, 1], [0, 0])
      let error = #expect(throws: VQError.self) { try tokenizer(of: wrong) }
      #expect(error?.description.contains(tensor.name) == true)
    }
  }

  @Test func channelsThatGroupsDoNotDivide() throws {
    var wrong = try tensors()
    let index = try #require(wrong.firstIndex { $0.name == "decoder.conv_in.weight" })
    wrong[index] = .f32(
      "decoder.conv_in.weight", [48, 32, 3, 3], [Float](repeating: 0, count: 48 * 32 * 9))
    let bias = try #require(wrong.firstIndex { $0.name == "decoder.conv_in.bias" })
    wrong[bias] = .f32("decoder.conv_in.bias", [48], [Float](repeating: 0, count: 48))
    let error = #expect(throws: VQError.self) { try tokenizer(of: wrong) }
    #expect(error?.description.contains("48 channels do not fall into 32 groups") == true)
  }

  @Test func randomWeights() throws {
    var shape = VQShape()
    shape.channels = 32
    shape.multipliers = [1, 2]
    shape.latent = 16
    shape.codes = 10
    let vq = try VQTokenizer.random(shape, seed: 3)
    #expect(vq.codebookSize == 10 && vq.codeDimension == 8 && vq.downsampling == 2)
    #expect(!vq.hasEncoder && vq.unexpected == [])
    let tokens: [Int32] = [0, 9, 4, 5, 7, 1]
    let picture = try vq.decode(tokens: tokens, width: 3, height: 2, threads: 2)
    #expect(picture.count == 3 * 6 * 4 && picture.allSatisfy { abs($0) < 10 })
    #expect(Set(picture).count > 60)
    let again = try VQTokenizer.random(shape, seed: 3)
    #expect(try again.decode(tokens: tokens, width: 3, height: 2, threads: 1) == picture)
    let other = try VQTokenizer.random(shape, seed: 4)
    #expect(try other.decode(tokens: tokens, width: 3, height: 2, threads: 1) != picture)
  }

  @Test func bytes() throws {
    let values: [Float] = [-1, 1, .nan, 2, -7, 0, .infinity, -.infinity, 0.2, -0.5, 0.5, -0.2]
    let image = try VQTokenizer.image(from: values, width: 2, height: 2)
    #expect(image.pixels == [0, 0, 153, 255, 128, 64, 0, 255, 191, 255, 0, 102])
    let back = try VQTokenizer.values(from: image.pixels, width: 2, height: 2)
    #expect(try VQTokenizer.image(from: back, width: 2, height: 2).pixels == image.pixels)
    #expect(throws: VQError.self) { try VQTokenizer.image(from: [0], width: 1, height: 1) }
    #expect(throws: VQError.self) { try VQTokenizer.values(from: [], width: 0, height: 0) }
  }
}
