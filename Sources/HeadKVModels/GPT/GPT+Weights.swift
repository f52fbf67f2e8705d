import HeadKVMath
import HeadKVWeights

/// A weight of a model with its name in LlamaGen's state dict.
struct Weight {
  enum Value {
    /// A matrix that steps multiply with.
    case linear(Linear)
    /// A matrix that lies row by row.
    case table(Linear)
    case vector(FloatStorage, [Int])
  }

  let name: String
  let value: Value

  init(_ name: String, _ value: Value) {
    self.name = name
    self.value = value
  }
}

extension GPT {
  /// All weights.
  var weights: [Weight] {
    let width = configuration.dimension
    var all: [Weight] = []
    for (index, layer) in layers.enumerated() {
      let prefix = "layers.\(index)."
      all += [
        Weight(prefix + "attention_norm.weight", .vector(layer.attentionNorm, [width])),
        Weight(prefix + "attention.wqkv.weight", .linear(layer.queryKeyValue)),
        Weight(prefix + "attention.wo.weight", .linear(layer.attentionOutput)),
        Weight(prefix + "ffn_norm.weight", .vector(layer.feedForwardNorm, [width])),
        Weight(prefix + "feed_forward.w1.weight", .linear(layer.gate)),
        Weight(prefix + "feed_forward.w3.weight", .linear(layer.up)),
        Weight(prefix + "feed_forward.w2.weight", .linear(layer.down)),
      ]
    }
    switch condition {
    case .classes(let table):
      all.append(
        Weight(
          "cls_embedding.embedding_table.weight", .vector(table, [table.count / width, width])))
    case .captions(let first, let second, let null):
      all += [
        Weight("cls_embedding.cap_proj.fc1.weight", .table(first)),
        Weight("cls_embedding.cap_proj.fc2.weight", .table(second)),
        Weight(
          "cls_embedding.uncond_embedding",
          .vector(null, [null.count / first.inFeatures, first.inFeatures])),
      ]
    }
    return all + [
      Weight("tok_embeddings.weight", .table(tokenEmbedding)),
      Weight("norm.weight", .vector(norm, [width])), Weight("output.weight", .linear(output)),
    ]
  }
}

extension Weight {
  /// The tensors of a packed file that hold this weight.
  ///
  /// - Precondition: a linear layer is packed, a table lies in place.
  var stored: [TensorToWrite] {
    switch value {
    case .linear(let linear):
      guard let matrix = linear.packedMatrix else { preconditionFailure("weights are not packed") }
      let (rows, packing) = (matrix.outFeatures, matrix.packing)
      let bytes = packing.byteCount(outFeatures: rows, inFeatures: matrix.inFeatures)
      var tensors = unsafe [
        TensorToWrite.stored(
          PackedReader.panels(name), packing.storedType,
          packing.storedShape(outFeatures: rows, inFeatures: matrix.inFeatures),
          RawBytes(matrix.panels, count: bytes, owner: matrix))
      ]
      if let scales = unsafe matrix.scales {
        unsafe tensors.append(
          .stored(
            PackedReader.scales(name), .f32, [rows],
            RawBytes(UnsafeRawPointer(scales), count: 4 * rows, owner: matrix)))
      }
      return tensors
    case .table(let table):
      guard let (base, element, owner) = unsafe table.inPlace else {
        preconditionFailure("a table lies in place")
      }
      return unsafe [
        .stored(
          name, element.storedType, [table.outFeatures, table.inFeatures],
          RawBytes(base, count: table.byteCount, owner: owner))
      ]
    case .vector(let values, let shape):
      return unsafe [
        .stored(
          name, .f32, shape,
          RawBytes(UnsafeRawPointer(values.base), count: 4 * values.count, owner: values))
      ]
    }
  }
}
