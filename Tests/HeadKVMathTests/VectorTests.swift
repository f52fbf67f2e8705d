import HeadKVMath
import Testing

@Suite struct VectorTests {
  @Test(arguments: [1, 5, 16, 17, 31, 64, 100]) func agreeWithTheTwins(count: Int) {
    var numbers = Numbers(count)
    let (x, y, z) = (numbers.list(count), numbers.list(count), numbers.list(count))
    func close(_ a: Float, _ b: Double) -> Bool { abs(Double(a) - b) <= 1e-5 * (1 + abs(b)) }

    #expect(
      close(
        unsafe VectorOperations.squaredDistance(x, y, count),
        ReferenceVectors.squaredDistance(x, y)))
    var sum = y
    unsafe VectorOperations.add(1.5, x, to: &sum, count)
    #expect(zip(sum, ReferenceVectors.add(1.5, x, to: y)).allSatisfy(close))

    var (merged, group) = (x, y)
    unsafe VectorOperations.regroup(
      &merged, &group, adding: z, a: 0.3, b: -0.7, c: 2, count)
    let expected = ReferenceVectors.regroup(x, y, adding: z, a: 0.3, b: -0.7, c: 2)
    #expect(zip(merged, expected.merged).allSatisfy(close))
    #expect(zip(group, expected.sum).allSatisfy(close))

    #expect(
      close(
        unsafe VectorOperations.outputError(
          total: x, merged: y, old: z, a: 0.9, b: 1.2, c: 0.4, d: 2.5, count),
        ReferenceVectors.outputError(
          total: x, merged: y, old: z, a: 0.9, b: 1.2, c: 0.4, d: 2.5)))
  }
}
