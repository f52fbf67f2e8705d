import Foundation
import HeadKVImage
import HeadKVReport
import Testing

@Suite struct MeasureTests {
  private func image(_ values: [UInt8]) throws -> RGBImage {
    try RGBImage(width: values.count / 3, height: 1, pixels: values)
  }

  @Test func psnr() throws {
    let black = try image([0, 0, 0, 0, 0, 0])
    #expect(try Likeness.psnr(black, black) == .infinity)
    #expect(try Likeness.psnr(black, image([255, 255, 255, 255, 255, 255])) == 0)
    // One channel of six off by 10: mean square 100 / 6.
    let off = try Likeness.psnr(black, image([0, 10, 0, 0, 0, 0]))
    #expect(abs(off - 35.9123) < 1e-4)
    // All off by one.
    let one = try Likeness.psnr(black, image([1, 1, 1, 1, 1, 1]))
    #expect(abs(one - 48.1308) < 1e-4)
    #expect(throws: ReportError.self) { try Likeness.psnr(black, image([0, 0, 0])) }
    #expect(Likeness.describe(psnr: .infinity) == "∞ dB (identical)")
    #expect(Likeness.describe(psnr: 35.9123) == "35.91 dB")
  }

  @Test func tokenAgreement() throws {
    let agreement = try Likeness.tokens([1, 2, 3, 4], [1, 2, 0, 4])
    #expect(agreement.equal == 3)
    #expect(agreement.share == 0.75)
    #expect(agreement.firstDifference == 2)
    #expect("\(agreement)" == "3 of 4 tokens (75 %), first difference at 2")
    #expect(try Likeness.tokens([7], [7]).firstDifference == nil)
    #expect(throws: ReportError.self) { try Likeness.tokens([1], [1, 2]) }
    #expect(throws: ReportError.self) { try Likeness.tokens([], []) }
  }

  @Test func spearman() throws {
    #expect(try RankCorrelation.spearman([1, 2, 3], [10, 100, 1000]) == 1)
    #expect(try RankCorrelation.spearman([1, 2, 3], [3, 2, 1]) == -1)
    // Ranks 0, 1.5, 1.5, 3 against 0, 2, 1, 3: 4.5 / sqrt(4.5 * 5).
    let tied = try RankCorrelation.spearman([1, 2, 2, 3], [1, 3, 2, 4])
    #expect(abs(tied - 0.9486832981) < 1e-9)
    #expect(try RankCorrelation.spearman([1, 2, .nan, 3], [1, 2, 9, 3]) == 1)
    #expect(try RankCorrelation.spearman([1, 1], [1, 2]).isNaN)
    #expect(try RankCorrelation.spearman([], []).isNaN)
    #expect(throws: ReportError.self) { try RankCorrelation.spearman([1], []) }
  }

  @Test func numbers() {
    #expect(NumberText.short(0.5) == "0.5")
    #expect(NumberText.short(-0.001) == "0")
    #expect(NumberText.short(100, digits: 0) == "100")
    #expect(NumberText.short(12.345, digits: 2) == "12.35")
    #expect(NumberText.fixed(0.0049, digits: 2) == "0.00")
    #expect(NumberText.fixed(-1.005, digits: 1) == "-1.0")
    #expect(NumberText.fixed(.nan, digits: 2) == "–")
    #expect(NumberText.fixed(-.infinity, digits: 2) == "-∞")
    #expect(NumberText.fixed(1e300, digits: 2) == "1e+300")
    #expect(NumberText.signed(0.013, digits: 4) == "+0.0130")
    #expect(NumberText.grouped(-1_234_567) == "-1\u{2009}234\u{2009}567")
    #expect(NumberText.grouped(.min).hasPrefix("-9\u{2009}223"))
    #expect(NumberText.bytes(1023) == "1023 B")
    #expect(NumberText.bytes(2_506_752) == "2.39 MiB")
    #expect(NumberText.fraction(1.0 / 6) == "1/6")
    #expect(NumberText.fraction(43.0 / 257) == "1/6")
    #expect(NumberText.fraction(0.4) == "40 %")
    #expect(NumberText.fraction(1) == "100 %")
    let odd = NumberText.short(1.0 / 3, digits: 9)
    #expect(Double(odd).map { abs($0 - 1.0 / 3) < 1e-9 } == true)
  }
}
