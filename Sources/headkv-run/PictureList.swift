import Foundation
import HeadKV

/// The pictures asked for, in their order: what is drawn, and what recipes say of each.
struct PictureList {
  private(set) var requests: [PictureRequest] = []
  private(set) var entries: [Recipe.Picture] = []
  /// Numbers of these pictures among all that were asked for, from 0.
  private(set) var numbers: [Int] = []
  /// The file of captions, if the pictures are drawn from some.
  private(set) var captions: String?
  /// Pictures of each class or caption.
  private let count: Int

  /// The classes, for files of tokens; empty for captions.
  var classes: [Int] { entries.compactMap(\.category) }

  /// - Throws: ``OptionError``, ``ModelError`` or ``WeightError`` naming what is no class or caption.
  init(_ draw: DrawOptions, like recipe: Recipe?, _ model: ImageModel) throws {
    count = draw.count ?? 1
    if draw.classes.isEmpty && draw.captions == nil, let recipe {
      try add(recipe, model)
    } else if let path = draw.captions {
      captions = path
      for (index, caption) in try CaptionFile.read(path).enumerated() {
        add(.caption(caption), Recipe.Picture(caption: index, seed: 0))
      }
    } else {
      guard model.gpt.configuration.classCount > 0 else {
        throw OptionError("--captions", "absent", "given: the model draws from captions")
      }
      for text in draw.classes.isEmpty ? ["0"] : draw.classes {
        for index in try ClassList.indices(text, model) {
          add(.category(index), Self.entry(of: index, model))
        }
      }
    }
    if recipe == nil || draw.seed != nil || draw.count != nil || !draw.classes.isEmpty
      || draw.captions != nil
    {
      number(from: draw.seed ?? recipe?.pictures.first?.seed ?? 0)
    }
    numbers = Array(requests.indices)
  }

  /// The pictures at `places` of this list, with the seeds and numbers that they have in it.
  func only(_ places: [Int]) -> PictureList {
    var list = self
    list.requests = places.map { requests[$0] }
    list.entries = places.map { entries[$0] }
    list.numbers = places.map { numbers[$0] }
    return list
  }

  /// The same pictures, each going on from where it was saved.
  ///
  /// - Parameter saved: what this is a list of, in its order.
  func continuing(_ saved: SavedPictures) -> PictureList {
    var list = self
    for (index, picture) in saved.pictures.enumerated() {
      let places = index * count..<(index + 1) * count
      let entry = saved.recipe.pictures[index]
      let state = PictureState(
        request: PictureRequest(
          requests[places.lowerBound].condition, seed: entry.seed, openings: entry.openings ?? []),
        tokens: picture.tokens, caches: picture.caches)
      for place in places {
        let request = PictureRequest(continuing: state, seed: requests[place].seed)
        list.requests[place] = request
        list.entries[place].openings = request.openings.isEmpty ? nil : request.openings
      }
    }
    return list
  }

  private static func entry(of index: Int, _ model: ImageModel) -> Recipe.Picture {
    let name = model.classNames.indices.contains(index) ? model.classNames[index] : nil
    return Recipe.Picture(category: index, className: name, seed: 0)
  }

  private mutating func add(_ condition: Condition, _ entry: Recipe.Picture) {
    for _ in 0..<count {
      requests.append(
        PictureRequest(condition, seed: entry.seed, openings: entry.openings ?? []))
      entries.append(entry)
    }
  }

  /// The recipe's pictures, each as often as asked for.
  private mutating func add(_ recipe: Recipe, _ model: ImageModel) throws {
    captions = recipe.captions?.path
    let features = try captions.map { try CaptionFile.read($0) } ?? []
    for picture in recipe.pictures {
      if let index = picture.category {
        try model.gpt.check(.category(index))
        add(.category(index), picture)
      } else if let index = picture.caption {
        guard features.indices.contains(index) else {
          throw OptionError(
            "\(captions ?? "captions"): captions", "\(features.count)", "above \(index)")
        }
        add(.caption(features[index]), picture)
      }
    }
  }

  private mutating func number(from seed: UInt64) {
    for index in requests.indices {
      requests[index].seed = seed &+ UInt64(index)
      entries[index].seed = seed &+ UInt64(index)
    }
  }

  /// Columns of a sheet: a line for each class, unless there is but one.
  var columns: Int {
    let groups = max(requests.count / count, 1)
    if groups > 1 { return count == 1 ? min(groups, 10) : min(count, 24) }
    return Int(Double(requests.count).squareRoot().rounded(.up))
  }
}
