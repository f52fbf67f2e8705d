import HeadKVCache

/// What pictures were drawn with: enough to draw them again, bit for bit.
///
/// Batch and threads are left out, for they change nothing. Kernels for other processors round
/// sums otherwise: `kernels` says which drew.
public struct Recipe: Codable, Sendable, Hashable {
  /// A file, by its contents.
  public struct File: Codable, Sendable, Hashable {
    /// The last part of its path.
    public var name: String
    public var bytes: Int
    /// 64 hexadecimal digits.
    public var sha256: String

    public init(name: String, bytes: Int, sha256: String) {
      self.name = name
      self.bytes = bytes
      self.sha256 = sha256
    }
  }

  /// A file that was asked for, with those that hold what is in it: itself, or its shards.
  public struct Source: Codable, Sendable, Hashable {
    /// As it was asked for; nil for the one that comes with the package.
    public var path: String?
    public var files: [File]

    public init(path: String?, files: [File]) {
      self.path = path
      self.files = files
    }
  }

  public struct Picture: Codable, Sendable, Hashable {
    /// Index of the class; nil for a captioned picture.
    public var category: Int?
    /// The class's name, for people.
    public var className: String?
    /// Index of the caption in the file of captions; nil for a class.
    public var caption: Int?
    public var seed: UInt64
    /// Seeds of the first tokens, if they are others; nil for none.
    public var openings: [SeedOpening]?

    public init(category: Int? = nil, className: String? = nil, caption: Int? = nil, seed: UInt64) {
      self.category = category
      self.className = className
      self.caption = caption
      self.seed = seed
    }
  }

  /// The program and its version.
  public var software: String
  public var kernels: String
  public var gpt: Source
  public var vq: Source
  public var captions: Source?
  /// How the GPT's matrices were held.
  public var precision: String
  public var heads: Int
  public var gridWidth: Int
  public var gridHeight: Int
  public var cfgScale: Float
  public var cfgInterval: Int
  public var temperature: Float
  public var topK: Int
  public var topP: Float
  public var greedy: Bool
  public var policy: String
  public var policyOptions: [String: String]
  /// As ``CacheBudget/init(parsing:)`` reads it; nil for none.
  public var budget: String?
  public var branches: String
  public var kvType: CacheElement
  /// One, or those of a sheet in their order.
  public var pictures: [Picture]
  /// Of the sheet; nil for a picture alone.
  public var columns: Int?

  /// Takes options and policy over; the rest is to be filled in.
  public init(
    software: String, kernels: String, gpt: Source, vq: Source, captions: Source? = nil,
    precision: String, configuration: GPTConfiguration, options: GenerationOptions,
    pictures: [Picture], columns: Int? = nil
  ) {
    self.software = software
    self.kernels = kernels
    self.gpt = gpt
    self.vq = vq
    self.captions = captions
    self.precision = precision
    heads = configuration.heads
    gridWidth = configuration.grid.width
    gridHeight = configuration.grid.height
    cfgScale = options.guidanceScale
    cfgInterval = options.guidanceInterval
    temperature = options.sampling.temperature
    topK = options.sampling.topK
    topP = options.sampling.topP
    greedy = options.sampling.greedy
    policy = options.policy.name
    policyOptions = options.policy.options
    budget = options.policy.budget?.description
    branches = options.policy.branches.rawValue
    kvType = options.policy.element ?? .f32
    self.pictures = pictures
    self.columns = columns
  }

  /// The recipe of one of the pictures alone.
  ///
  /// - Precondition: there is such a picture.
  public func alone(_ index: Int) -> Recipe {
    var recipe = self
    recipe.pictures = [pictures[index]]
    recipe.columns = nil
    return recipe
  }

  /// The recipe of a sheet of some of the pictures.
  ///
  /// - Precondition: there are such pictures.
  public func only(_ range: Range<Int>) -> Recipe {
    if range.count == 1 { return alone(range.lowerBound) }
    var recipe = self
    recipe.pictures = Array(pictures[range])
    return recipe
  }

  /// The policy that was asked for.
  ///
  /// - Throws: ``CacheBudgetError`` or ``OptionError`` naming what cannot be read.
  public func policyChoice() throws -> PolicyChoice {
    guard let shared = GuidanceBranches(rawValue: branches) else {
      throw OptionError("branches", "'\(branches)'", "independent or shared")
    }
    return PolicyChoice(
      policy, budget: try budget.map { text throws(CacheBudgetError) in try CacheBudget(parsing: text) },
      options: policyOptions, branches: shared, element: kvType)
  }

  /// How the pictures were drawn, from the seed of the first one.
  ///
  /// - Throws: ``CacheBudgetError`` or ``OptionError`` naming what is out of range.
  public func options(threads: Int? = nil, batch: Int = 8) throws -> GenerationOptions {
    try GenerationOptions(
      guidanceScale: cfgScale, guidanceInterval: cfgInterval, temperature: temperature,
      topK: topK, topP: topP, greedy: greedy, seed: pictures.first?.seed ?? 0,
      policy: policyChoice(), threads: threads, batch: batch)
  }
}
