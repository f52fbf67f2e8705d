import HeadKV
import HeadKVMath

/// Decoding of a picture of 256 x 256 pixels by a tokenizer of VQ-16's size.
final class TokenizerPart: BenchPart {
  let label = PartLabel("VQ-16 decode", unit: "256 px picture")
  private let tokenizer: VQTokenizer
  private let pool: WorkerPool

  init(pool: WorkerPool) throws {
    self.pool = pool
    let file = try RandomFile.vq16()
    tokenizer = try withExtendedLifetime(file) { try VQTokenizer(TensorCatalog.open(file.path)) }
  }

  var bytesPerUnit: Int? { nil }

  func run() throws -> Double {
    let tokens = (0..<256).map { Int32($0 * 7919 % 16384) }
    let start = ContinuousClock.now
    _ = try tokenizer.decode(tokens: tokens, width: 16, height: 16, pool: pool)
    return Statistics.milliseconds(ContinuousClock.now - start)
  }
}

extension RandomFile {
  /// The decoder and the codes of LlamaGen's VQ-16: 128 channels, multiplied by 4, 2, 2, 1 and 1
  /// from the lowest resolution up.
  static func vq16() throws -> RandomFile {
    var tensors: [TensorToWrite] = []
    func convolution(_ name: String, _ inputs: Int, _ outputs: Int, _ kernel: Int) {
      tensors.append(tensor(name + ".weight", [outputs, inputs, kernel, kernel]))
      tensors.append(tensor(name + ".bias", [outputs]))
    }
    func norm(_ name: String, _ channels: Int) {
      tensors.append(tensor(name + ".weight", [channels]))
      tensors.append(tensor(name + ".bias", [channels]))
    }
    func residual(_ name: String, _ inputs: Int, _ outputs: Int) {
      norm(name + ".norm1", inputs)
      convolution(name + ".conv1", inputs, outputs, 3)
      norm(name + ".norm2", outputs)
      convolution(name + ".conv2", outputs, outputs, 3)
      if inputs != outputs { convolution(name + ".nin_shortcut", inputs, outputs, 1) }
    }
    func attention(_ name: String, _ channels: Int) {
      norm(name + ".norm", channels)
      for part in ["q", "k", "v", "proj_out"] {
        convolution(name + "." + part, channels, channels, 1)
      }
    }
    tensors.append(tensor("quantize.embedding.weight", [16384, 8]))
    convolution("post_quant_conv", 8, 256, 1)
    convolution("decoder.conv_in", 256, 512, 3)
    residual("decoder.mid.0", 512, 512)
    attention("decoder.mid.1", 512)
    residual("decoder.mid.2", 512, 512)
    var channels = 512
    for (level, outputs) in [512, 256, 256, 128, 128].enumerated() {
      let name = "decoder.conv_blocks.\(level)"
      for block in 0..<3 {
        residual("\(name).res.\(block)", channels, outputs)
        channels = outputs
        if level == 0 { attention("\(name).attn.\(block)", channels) }
      }
      if level < 4 { convolution("\(name).upsample.conv", channels, channels, 3) }
    }
    norm("decoder.norm_out", 128)
    convolution("decoder.conv_out", 128, 3, 3)
    return try RandomFile(name: "VQ-16", tensors)
  }
}
