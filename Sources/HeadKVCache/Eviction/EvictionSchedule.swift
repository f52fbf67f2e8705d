/// When surplus rows leave: after every token, or after every P tokens.
///
/// Between updates a head grows beyond its budget by up to P rows.
public struct EvictionSchedule: Sendable, Hashable {
  /// Tokens from one update to the next.
  public let period: Int
  /// Updates come after the tokens whose number leaves this remainder.
  public let phase: Int

  public static let everyToken = EvictionSchedule(period: 1, phase: 0)

  /// - Precondition: `period` is positive, `phase` not negative.
  public static func every(_ period: Int, phase: Int = 0) -> EvictionSchedule {
    precondition(period > 0 && phase >= 0, "a schedule has a positive period")
    return EvictionSchedule(period: period, phase: phase % period)
  }

  private init(period: Int, phase: Int) {
    self.period = period
    self.phase = phase
  }

  /// Rows that a head may hold beyond its budget while a step attends.
  public func slack(rowsPerStep: Int) -> Int { period + rowsPerStep - 1 }

  /// Whether an update follows the step that brings the picture from `before` to `after` tokens.
  func isDue(from before: Int, to after: Int) -> Bool {
    (after - phase + period) / period != (before - phase + period) / period
  }

  /// Tokens from `tokens` to the next update; 0 on the update itself.
  func remaining(after tokens: Int) -> Int {
    (period - (tokens - phase + period) % period) % period
  }
}
