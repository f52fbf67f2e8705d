/// ``VectorOperations`` in plain loops.
package enum ReferenceVectors {
  package static func squaredDistance(_ x: [Float], _ y: [Float]) -> Double {
    zip(x, y).reduce(0.0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
  }

  package static func add(_ a: Float, _ x: [Float], to y: [Float]) -> [Double] {
    zip(x, y).map { Double(a) * Double($0) + Double($1) }
  }

  package static func regroup(
    _ merged: [Float], _ sum: [Float], adding value: [Float], a: Float, b: Float, c: Float
  ) -> (merged: [Double], sum: [Double]) {
    (
      merged.indices.map {
        Double(merged[$0]) + Double(a) * Double(sum[$0]) + Double(b) * Double(value[$0])
      },
      add(c, value, to: sum)
    )
  }

  package static func outputError(
    total: [Float], merged: [Float], old: [Float], a: Float, b: Float, c: Float, d: Float
  ) -> Double {
    total.indices.reduce(0.0) { sum, index in
      let (t, m, o) = (Double(total[index]), Double(merged[index]), Double(old[index]))
      let error = Double(a) * (t - o + Double(b) * m) - Double(c) * (t + Double(d) * o)
      return sum + error * error
    }
  }
}
