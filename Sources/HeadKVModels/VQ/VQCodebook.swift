import HeadKVMath

/// The codes of a VQ tokenizer, each of length 1.
final class VQCodebook: Sendable {
  let size: Int
  let dimension: Int
  /// [size, dimension]
  private let rows: AlignedBuffer<Float>
  /// Squared lengths, 1 but for rounding: [size].
  private let squares: [Float]

  /// Reads and normalises `quantize.embedding.weight`. Throws if it is missing or not a matrix.
  init(_ weights: inout VQWeights) throws(VQError) {
    let name = "quantize.embedding.weight"
    let shape = try weights.shape(name, rank: 2)
    size = shape[0]
    dimension = shape[1]
    guard size <= Int(Int32.max) else {
      throw VQError("\(weights.catalog.path): tensor \(name): too many codes: \(size)")
    }
    let values = try weights.floats(name, shape)
    rows = AlignedBuffer(count: values.count, repeating: 0)
    var squares: [Float] = []
    for code in 0..<size {
      let row = unsafe rows.base + code * dimension
      for index in 0..<dimension { unsafe row[index] = values[code * dimension + index] }
      unsafe squares.append(Self.normalize(row, count: dimension))
    }
    self.squares = squares
  }

  /// The codes of `tokens`, each in `0..<size`, as a map [height, width, dimension].
  func lookup(_ tokens: [Int32], height: Int, width: Int) -> FeatureMap {
    let map = FeatureMap(channels: dimension, height: height, width: width)
    for (position, token) in tokens.enumerated() {
      unsafe map.pixel(position).update(
        from: rows.base + Int(token) * dimension, count: dimension)
    }
    return map
  }

  /// The nearest code to each position of `map` [h, w, dimension], the first one on ties; brings
  /// the positions of `map` to length 1 on the way.
  func nearest(_ map: FeatureMap, on runner: Conv2DRunner) -> [Int32] {
    let found = AlignedBuffer<Int32>(count: map.pixels, repeating: 0)
    let (base, size) = unsafe (found.base, size)
    let codes = unsafe rows.matrix(rows: size, columns: dimension)
    unsafe runner.forEachTile(of: map.pixels, size: 16, scratch: 16 * size) { range, scratch in
      let products = unsafe FloatMatrix(
        base: scratch, rows: range.count, columns: size, stride: size)
      var lengths: [Float] = []
      for position in range {
        unsafe lengths.append(Self.normalize(map.pixel(position), count: dimension))
      }
      unsafe BLAS.multiply(
        map.matrix(range), transposed: false, codes, transposed: true, into: products)
      for (row, position) in range.enumerated() {
        let product = unsafe products.row(row)
        var (best, least) = (0, Float.infinity)
        for code in 0..<size {
          let distance = unsafe lengths[row] + squares[code] - 2 * product[code]
          if distance < least { (best, least) = (code, distance) }
        }
        unsafe base[position] = Int32(best)
      }
    }
    return unsafe Array(UnsafeBufferPointer(start: found.base, count: found.count))
  }

  /// x / max(|x|, 1e-12) in place; returns the squared length of the result.
  private static func normalize(_ x: UnsafeMutablePointer<Float>, count: Int) -> Float {
    var square: Float = 0
    for index in 0..<count { unsafe square += x[index] * x[index] }
    let length = max(square.squareRoot(), 1e-12)
    square = 0
    for index in 0..<count {
      let value = unsafe x[index] / length
      unsafe x[index] = value
      square += value * value
    }
    return square
  }
}
