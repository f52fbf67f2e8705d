import Foundation
import HeadKVModels
import HeadKVTestSupport
import HeadKVWeights
import Testing

@Suite struct VQGoldenTests {
  private func load() throws -> (VQTokenizer, TensorCatalog) {
    (
      try VQTokenizer(TensorCatalog.open(Golden.path("vq-f4/vq.safetensors"))),
      try TensorCatalog.open(Golden.path("vq-f4/expected.safetensors"))
    )
  }

  @Test(arguments: [1, 2]) func decodes(threads: Int) throws {
    let (tokenizer, expected) = try load()
    #expect(tokenizer.downsampling == 4 && tokenizer.codebookSize == 64)
    #expect(tokenizer.unexpected.isEmpty)
    let tokens = try expected.tensor("tokens").integers().map(Int32.init)
    let images = try expected.tensor("images").floats()
    let size = images.count / 2
    for index in 0..<2 {
      let image = try tokenizer.decode(
        tokens: Array(tokens[index * 64..<(index + 1) * 64]), width: 8, height: 8,
        threads: threads)
      let worst = zip(image, images[index * size..<(index + 1) * size])
        .reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
      #expect(image.count == size && worst < 1e-3)
    }
  }

  @Test func encodes() throws {
    let (tokenizer, expected) = try load()
    let input = try expected.tensor("encode_input").floats()
    let tokens = try expected.tensor("encode_tokens").integers().map(Int32.init)
    let size = input.count / 2
    for index in 0..<2 {
      let found = try tokenizer.encode(
        pixels: Array(input[index * size..<(index + 1) * size]), width: 32, height: 32)
      #expect(found == Array(tokens[index * 64..<(index + 1) * 64]))
    }
  }

  @Test func refusesWhatIsNoToken() throws {
    let (tokenizer, _) = try load()
    #expect(throws: ModelError.tokenOutOfRange(64, codes: 64)) {
      try tokenizer.decode(tokens: [64], width: 1, height: 1)
    }
    #expect(throws: ModelError.self) { try tokenizer.decode(tokens: [], width: 0, height: 0) }
    #expect(throws: ModelError.self) {
      try tokenizer.encode(pixels: [Float](repeating: 0, count: 3 * 30 * 32), width: 30, height: 32)
    }
  }
}
