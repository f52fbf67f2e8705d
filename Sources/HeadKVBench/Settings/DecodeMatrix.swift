import HeadKV

/// All combinations of some lists, each that means the same once.
package struct DecodeMatrix: Sendable {
  package let settings: [DecodeSetting]

  /// `full` is only what it is at the full budget; every other policy meets every budget.
  ///
  /// - Throws: ``DecodeMatrixError`` naming each combination that no cache can be made for.
  package init(
    shapes: [GPTPreset], grids: [Int], precisions: [WeightPrecision], batches: [Int],
    policies: [String], budgets: [BudgetText], elements: [CacheElement] = [.f32]
  ) throws(DecodeMatrixError) {
    var settings: [DecodeSetting] = []
    var seen: Set<DecodeSetting> = []
    for shape in shapes {
      for grid in grids {
        for precision in precisions {
          for batch in batches {
            for policy in policies {
              for budget in policy == "full" ? [.full] : budgets {
                for element in elements {
                  let setting = DecodeSetting(
                    shape: shape, grid: grid, precision: precision, batch: batch, policy: policy,
                    budget: budget, element: element)
                  if seen.insert(setting).inserted { settings.append(setting) }
                }
              }
            }
          }
        }
      }
    }
    self.settings = settings
    var problems: [String] = []
    for setting in settings {
      do throws(PolicyError) { _ = try setting.makePolicy() } catch {
        problems.append("\(setting.name): \(error)")
      }
    }
    guard problems.isEmpty else { throw DecodeMatrixError(problems: problems) }
  }

  /// The settings in groups that are timed in turns: those of one shape and grid, as many as fit
  /// into `bytes` of memory at the same time, at least one.
  package func groups(bytes limit: Int) throws -> [[DecodeSetting]] {
    var groups: [[DecodeSetting]] = []
    var precisions: Set<WeightPrecision> = []
    var bytes = 0
    for setting in settings {
      let cache = try setting.makePolicy().memory.capBytes * setting.sequences
      let last = groups.last?.last
      let weights = precisions.contains(setting.precision) ? 0 : setting.weightBytes
      let fits = bytes + cache + weights <= limit
      if let last, last.shape == setting.shape, last.grid == setting.grid, fits {
        groups[groups.count - 1].append(setting)
        bytes += cache + weights
      } else {
        groups.append([setting])
        bytes = cache + setting.weightBytes
        precisions = []
      }
      precisions.insert(setting.precision)
    }
    return groups
  }
}

/// Combinations that no cache can be made for.
package struct DecodeMatrixError: Error, Equatable, CustomStringConvertible {
  package let problems: [String]
  package var description: String { problems.joined(separator: "; ") }
}
