import HeadKVTestSupport
import Testing

extension BenchToolTests {
  /// To renew the files: `HEADKV_RENEW_HELP=1 swift test -c release --filter HelpTests`.
  @Suite struct HelpTests {
    @Test func everyHelpIsAsPinned() throws {
      let differences = try PinnedHelp(beside: #filePath).differences(of: "headkv-bench") {
        try BenchTool($0, environment: ["COLUMNS": "80"]).output
      }
      #expect(differences == [])
    }

    @Test func version() throws {
      let said = try BenchTool(["--version"]).output
      #expect(said.hasPrefix("headkv-bench ") && said.contains("\nkernels: "))
    }
  }
}
