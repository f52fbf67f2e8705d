import HeadKV
import HeadKVBench
import HeadKVMath
import Testing

@Suite struct StepTimesTests {
  @Test func takesEachStepsMedianOverTheRounds() {
    // A step that is dear in every round counts; one that is dear in one round does not.
    let times = StepTimes(rounds: [[1, 9, 1, 1], [1, 9, 50, 1], [3, 9, 1, 1]], line: 2)
    #expect(times.milliseconds == 3 && times.quarters == [1, 9, 1, 1])
  }

  @Test func takesQuartilesWithinALine() {
    let times = StepTimes(rounds: [[1, 2, 3, 4, 5, 10, 20, 30, 40, 50]], line: 5)
    #expect(times.quantile(0.25) == 11 && times.quantile(0.5) == 16.5 && times.quantile(0.75) == 22)
  }

  @Test func quartersHaveASteps() {
    #expect(StepTimes(rounds: [[5]], line: 16).quarters == [5, 5, 5, 5])
    #expect(StepTimes(rounds: [[1, 2, 3, 4, 5, 6, 7, 8]], line: 3).quarters == [1.5, 3.5, 5.5, 7.5])
  }

  @Test func quantilesInterpolate() {
    #expect(Statistics.median([3, 1, 2]) == 2 && Statistics.median([4, 1, 2, 3]) == 2.5)
    #expect(Statistics.quantile([10, 20], 0.25) == 12.5 && Statistics.quantile([7], 1) == 7)
  }
}

@Suite struct LineSamplingTests {
  @Test(arguments: [(16, 1), (24, 4), (32, 4), (16, 8), (30, 5), (24, 3)])
  func takesLinesAroundTheMiddle(lines: Int, every: Int) {
    let taken = (0..<lines).filter { LineSampling(every: every).takes(line: $0) }
    #expect(taken.count == lines / every)
    #expect(taken.reduce(0, +) * 2 == (lines - 1) * taken.count)
  }
}

@Suite struct DecodeResultTests {
  private func result(_ policy: String, _ budget: String, milliseconds: Double) throws -> DecodeResult {
    DecodeResult(
      setting: DecodeSetting(
        shape: GPTPreset.named("B")!, grid: 16, precision: .bf16, batch: 4, policy: policy,
        budget: try BudgetText(budget)),
      times: StepTimes(rounds: [[milliseconds]], line: 16), weightBytes: 150_000_000,
      cacheBytesRead: 50_000_000, cacheBytesHeld: 0, pairedShare: 0.9,
      bandwidth: Bandwidth(sustained: 25e9, peak: 50e9))
  }

  @Test func sharesOfTheLimit() throws {
    // 200 MB at 25 GB/s take 8 ms.
    let one = try result("full", "1", milliseconds: 8)
    #expect(abs(one.peakShare - 0.5) < 1e-12)
    var unknown = one
    unknown.bandwidth = Bandwidth()
    #expect(unknown.peakShare == 0)
    // A part is paired with what was read right after it, round by round.
    let part = PartResult(
      label: PartLabel("part", unit: "step"), milliseconds: [1, 2, 4], readings: [2e9, 1e9, 1e9],
      bytesPerUnit: 1_000_000)
    #expect(try abs(#require(part.bandwidthShare) - 0.5) < 1e-12)
  }

  @Test func comparesWithTheFullCacheOfTheSameSetting() throws {
    let (full, less) = try (
      result("full", "1", milliseconds: 9), result("auto", "1/6", milliseconds: 6)
    )
    #expect(less.speedup(among: [less, full]) == 1.5 && less.speedup(among: [less]) == nil)
    var other = full
    other.setting.batch = 1
    #expect(less.speedup(among: [less, other]) == nil)
    #expect(less.tokensPerSecond == 4000.0 / 6)
  }
}

@Suite struct MachineTests {
  @Test func findsTheProcessorsName() {
    let info = "processor\t: 0\nmodel name\t: Some CPU @ 2: fast\nflags\t\t: a b\n"
    #expect(MachineDescription.cpuName(cpuInfo: info) == "Some CPU @ 2: fast")
    #expect(MachineDescription.cpuName(cpuInfo: "BogoMIPS: 3\n") == nil)
  }

  @Test func readsMemory() {
    let meter = ReadBandwidth(pool: WorkerPool(threads: 2), bytes: 4 << 20)
    #expect(meter.peak == 0 && meter.sustained == 0)
    for _ in 0..<3 { meter.measure() }
    let samples = meter.samples.count
    meter.sample()
    #expect(meter.samples.count == samples + 1)
    #expect(meter.sustained > 1e8 && meter.peak > 1e8)
  }
}
