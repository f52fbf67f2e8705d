import Testing

import HeadKVMath
import HeadKVSelfCheck

@Suite struct BLASTests {
  @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
  func productsOfTransposesEqualTheReference(_ a: Bool, _ b: Bool) {
    let (m, n, k) = (7, 11, 5)
    var numbers = Numbers(3)
    let left = AlignedBuffer<Float>(count: m * k, repeating: 0)
    let right = AlignedBuffer<Float>(count: k * n, repeating: 0)
    let out = AlignedBuffer<Float>(count: m * n, repeating: 1)
    for index in 0..<m * k { left.base[index] = numbers.next() }
    for index in 0..<k * n { right.base[index] = numbers.next() }
    let x = a ? left.matrix(rows: k, columns: m) : left.matrix(rows: m, columns: k)
    let y = b ? right.matrix(rows: n, columns: k) : right.matrix(rows: k, columns: n)
    BLAS.multiply(x, transposed: a, y, transposed: b, into: out.matrix(rows: m, columns: n), beta: 2)
    for row in 0..<m {
      for column in 0..<n {
        var sum = 2.0
        for i in 0..<k {
          let p = a ? left.base[i * m + row] : left.base[row * k + i]
          let q = b ? right.base[column * k + i] : right.base[i * n + column]
          sum += Double(p) * Double(q)
        }
        #expect(abs(Double(out.base[row * n + column]) - sum) <= 8 * 0x1p-24 * 7)
      }
    }
  }

  @Test func singularValuesOfAScaledReflection() throws {
    // I - 2 u u^T has singular values 1; its columns scaled by s have s.
    let u: [Float] = [0.5, 0.5, 0.5, 0.5]
    let s: [Float] = [3, 0.25, 7, 1]
    var matrix: [Float] = []
    for row in 0..<4 {
      for column in 0..<4 {
        matrix.append(((row == column ? 1 : 0) - 2 * u[row] * u[column]) * s[column])
      }
    }
    let values = try SpectralAnalysis.singularValues(of: matrix, rows: 4, columns: 4)
    for (found, expected) in zip(values, [7, 3, 1, 0.25] as [Float]) {
      #expect(abs(found - expected) < 1e-5)
    }
  }

  @Test func effectiveRankCountsDirections() throws {
    #expect(abs(SpectralAnalysis.effectiveRank([2, 2, 2]) - 3) < 1e-9)
    #expect(SpectralAnalysis.effectiveRank([0, 0]) == 0)
    let outer: [Float] = [1, 2, 3, 2, 4, 6]
    let values = try SpectralAnalysis.singularValues(of: outer, rows: 2, columns: 3)
    #expect(abs(SpectralAnalysis.effectiveRank(values) - 1) < 1e-4)
  }

  @Test func badMatricesAreRefused() {
    #expect(throws: SpectralError.shape(count: 3, rows: 2, columns: 2)) {
      try SpectralAnalysis.singularValues(of: [1, 2, 3], rows: 2, columns: 2)
    }
    #expect(throws: SpectralError.notFinite) {
      try SpectralAnalysis.singularValues(of: [1, .nan], rows: 1, columns: 2)
    }
  }
}
