import HeadKVWeights

/// The sizes of a VQ tokenizer's decoder; those of LlamaGen's VQ-16 unless told otherwise.
package struct VQShape: Sendable {
  package var channels = 128
  /// Channels of a level in units of `channels`, from the highest resolution to the lowest.
  package var multipliers = [1, 1, 2, 2, 4]
  package var blocks = 3
  package var latent = 256
  package var codes = 16_384
  package var codeDimension = 8

  package init() {}

  /// Names and shapes of the tensors, as LlamaGen has them.
  fileprivate var tensors: [(name: String, shape: [Int])] {
    var list: [(name: String, shape: [Int])] = [
      ("quantize.embedding.weight", [codes, codeDimension])
    ]
    func add(_ name: String, _ shape: [Int]) {
      list += [(name + ".weight", shape), (name + ".bias", [shape[0]])]
    }
    func residual(_ name: String, _ inputs: Int, _ outputs: Int) {
      add(name + ".norm1", [inputs])
      add(name + ".conv1", [outputs, inputs, 3, 3])
      add(name + ".norm2", [outputs])
      add(name + ".conv2", [outputs, outputs, 3, 3])
      if inputs != outputs { add(name + ".nin_shortcut", [outputs, inputs, 1, 1]) }
    }
    func attention(_ name: String, _ channels: Int) {
      add(name + ".norm", [channels])
      for part in [".q", ".k", ".v", ".proj_out"] { add(name + part, [channels, channels, 1, 1]) }
    }
    var width = channels * (multipliers.last ?? 1)
    add("post_quant_conv", [latent, codeDimension, 1, 1])
    add("decoder.conv_in", [width, latent, 3, 3])
    residual("decoder.mid.0", width, width)
    attention("decoder.mid.1", width)
    residual("decoder.mid.2", width, width)
    for (index, multiplier) in multipliers.reversed().enumerated() {
      let level = "decoder.conv_blocks.\(index)"
      for block in 0..<blocks {
        residual("\(level).res.\(block)", width, channels * multiplier)
        width = channels * multiplier
        if index == 0 { attention("\(level).attn.\(block)", width) }
      }
      if index < multipliers.count - 1 { add(level + ".upsample.conv", [width, width, 3, 3]) }
    }
    add("decoder.norm_out", [width])
    add("decoder.conv_out", [3, width, 3, 3])
    return list
  }
}

extension VQTokenizer {
  /// A tokenizer of random weights without an encoder, for timing and for tests of size.
  ///
  /// Norms scale by 1; other weights are uniform, with a variance of a third of one over the number
  /// of inputs, as PyTorch starts them, from one SplitMix64 stream in the order of the tensors.
  /// Throws if `shape` is not that of a tokenizer.
  package static func random(
    _ shape: VQShape = VQShape(), seed: UInt64 = 0
  ) throws(VQError) -> VQTokenizer {
    let file = safetensors(shape.tensors, seed: seed)
    let catalog: TensorCatalog
    do { catalog = try TensorCatalog.read(file, name: "random weights") } catch {
      throw VQError(error)
    }
    return try VQTokenizer(catalog)
  }

  /// A safetensors file in memory.
  private static func safetensors(
    _ tensors: [(name: String, shape: [Int])], seed: UInt64
  ) -> [UInt8] {
    var end = 0
    let entries = tensors.map { name, shape in
      let start = end
      end += shape.reduce(4, *)
      return #""\#(name)":{"dtype":"F32","shape":\#(shape),"data_offsets":[\#(start),\#(end)]}"#
    }
    var header = "{" + entries.joined(separator: ",") + "}"
    header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    var file = unsafe withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { unsafe Array($0) }
    file += header.utf8
    file.reserveCapacity(file.count + end)
    var state = seed
    for (name, shape) in tensors {
      let inner = shape.dropFirst().reduce(1, *)
      let bound = 1 / Float(inner).squareRoot()
      let isScale = name.contains("norm") && name.hasSuffix("weight")
      for _ in 0..<(shape[0] * inner) {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        let bits = (isScale ? 1 : (Float(z >> 40) * 0x1p-23 - 1) * bound).bitPattern
        for byte in 0..<4 { file.append(UInt8(truncatingIfNeeded: bits >> (8 * byte))) }
      }
    }
    return file
  }
}
