import Foundation
public import HeadKVImage

/// How near a picture drawn with a compressed cache is to the one drawn with the full cache.
public enum Likeness {
  /// Peak signal-to-noise ratio of two pictures in dB over all channels, peak 255; infinite if they
  /// are identical.
  ///
  /// - Throws: ``ReportError`` if their sizes differ.
  public static func psnr(_ image: RGBImage, _ other: RGBImage) throws(ReportError) -> Double {
    guard image.width == other.width, image.height == other.height else {
      throw ReportError(
        "pictures of \(image.width) x \(image.height) and \(other.width) x \(other.height) cannot be compared"
      )
    }
    var squares = 0
    for (a, b) in zip(image.pixels, other.pixels) {
      let difference = Int(a) - Int(b)
      squares += difference * difference
    }
    guard squares > 0 else { return .infinity }
    let mean = Double(squares) / Double(image.pixels.count)
    return 10 * log10(255 * 255 / mean)
  }

  /// `24.13 dB`, or `∞ dB (identical)`.
  public static func describe(psnr: Double) -> String {
    psnr == .infinity ? "∞ dB (identical)" : NumberText.fixed(psnr, digits: 2) + " dB"
  }

  /// How many tokens of two drawings are the same.
  ///
  /// - Throws: ``ReportError`` if one has more tokens than the other, or both have none.
  public static func tokens(
    _ tokens: [Int32], _ others: [Int32]
  ) throws(ReportError) -> TokenAgreement {
    guard tokens.count == others.count, !tokens.isEmpty else {
      throw ReportError("\(tokens.count) and \(others.count) tokens cannot be compared")
    }
    let same = zip(tokens, others).map { $0 == $1 }
    return TokenAgreement(
      equal: same.count { $0 }, total: same.count, firstDifference: same.firstIndex(of: false))
  }
}

/// How many tokens of two drawings are the same. Once one differs, later draws see another past:
/// the first difference says how long the drawings were one.
public struct TokenAgreement: Sendable, Hashable, CustomStringConvertible {
  public let equal: Int
  public let total: Int
  /// Index of the first token that differs.
  public let firstDifference: Int?

  /// 0...1.
  public var share: Double { Double(equal) / Double(total) }

  /// `201 of 256 tokens (78.5 %), first difference at 31`.
  public var description: String {
    let counts = "\(equal) of \(total) tokens (\(NumberText.percent(share)))"
    return firstDifference.map { counts + ", first difference at \($0)" } ?? counts
  }
}
