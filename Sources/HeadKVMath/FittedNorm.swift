internal import CHeadKVKernels

/// A normalisation whose mean and deviation are known: x * scale + shift for each channel, then
/// x / (1 + e^-x) if asked.
///
/// Whoever reads the map applies it, so the normalised map is never written.
@safe
package final class FittedNorm: @unchecked Sendable {
  package let channels: Int
  private let silu: Bool
  private let values: AlignedBuffer<Float>

  init(channels: Int, silu: Bool) {
    self.channels = channels
    self.silu = silu
    values = AlignedBuffer(count: 2 * channels, repeating: 0)
  }

  var scale: UnsafeMutablePointer<Float> { unsafe values.base }
  var shift: UnsafeMutablePointer<Float> { unsafe values.base + channels }

  /// `count` pixels [count, channels] normalised into `out`.
  package func apply(
    _ pixels: UnsafePointer<Float>, count: Int, into out: UnsafeMutablePointer<Float>
  ) {
    unsafe hkv_scale_shift(pixels, count, channels, scale, shift, silu ? 1 : 0, out)
  }
}
