import HeadKVSelfCheck
import Testing

@Suite struct DistortionKernelTests {
  @Test(arguments: [2, 5, 24, 73], [1, 5, 16, 31, 64])
  func agreesWithTheDefinition(rows: Int, size: Int) {
    for (prefix, queries) in [(0, 16), (1, 3), (2, 16)] {
      let worst = DistortionCheck.errors(rows: rows, prefix: prefix, size: size, queries: queries)
      #expect(worst <= 1, "prefix of \(prefix), \(queries) queries")
    }
  }
}
