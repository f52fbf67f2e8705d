import Foundation

/// Progress on standard error: one line that is rewritten on a terminal, plain lines elsewhere.
final class ProgressLine {
  private let isShown: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = Date()
  private var shown = Date.distantPast
  /// What was done at the first update: pictures in part begin with more than nothing.
  private var base: Int?

  init(quiet: Bool) { isShown = !quiet }

  func update(_ done: Int, of total: Int, unit: String) {
    guard isShown else { return }
    let base = base ?? done
    self.base = base
    let now = Date()
    let pause = isTerminal ? 0.2 : 10
    guard now.timeIntervalSince(shown) >= pause || done == total && isTerminal else { return }
    if shown == .distantPast && !isTerminal {
      shown = now
      return
    }
    shown = now
    let seconds = max(now.timeIntervalSince(start), 1e-6)
    let rate = Double(done - base) / seconds
    let left = rate > 0 ? Double(total - done) / rate : 0
    let text = String(
      format: "%d of %d %@, %.1f %@/s, %.0f s left", done, total, unit, rate, unit, left)
    Output.write(isTerminal ? "\r\u{1B}[K" + text : text + "\n", to: .standardError)
    if isTerminal && done == total { Output.write("\r\u{1B}[K", to: .standardError) }
  }
}
