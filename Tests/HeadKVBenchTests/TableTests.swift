import Foundation
import HeadKVBench
import Testing

@Suite struct TableTests {
  private let table = ResultTable(
    caption: "A machine",
    columns: [
      .init("name", "name"), .init("ms", "ms a step", .decimals(2)),
      .init("range", "from-to", .decimals(1)), .init("share", "share", .percent),
      .init("bytes", "MB", .megabytes), .init("speed", "over full"),
      .init("commit", "commit", .hidden),
    ],
    rows: [
      [
        .text("a, \"b\" | c"), .number(12.3456789), .list([1, 2.25]), .number(0.876),
        .integer(195_035_136), .absent, .text("abc"),
      ],
      [.text("d"), .number(1e6 / 3), .list([0, 1e-7]), .number(1), .integer(0), .absent, .text("abc")],
    ])

  @Test func markdownShowsWhatThereIs() {
    #expect(
      TableFormat.md.text(table) == """
        A machine

        | name | ms a step | from-to | share | MB |
        |---|---|---|---|---|
        | a, "b" \\| c | 12.35 | 1.0-2.2 | 88 % | 195.0 |
        | d | 333333.33 | 0.0-0.0 | 100 % | 0.0 |

        """)
  }

  @Test func csvQuotesWhereItMust() {
    #expect(
      TableFormat.csv.text(table) == """
        name,ms,range,share,bytes,speed,commit
        "a, ""b"" | c",12.3457,1 2.25,0.876,195035136,,abc
        d,333333,0 0.0000001,1,0,,abc

        """)
  }

  @Test func jsonIsAnObjectForEachRow() throws {
    let data = Data(TableFormat.json.text(table).utf8)
    let rows = try #require(JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    #expect(rows.count == 2 && rows[0].count == 7)
    #expect(rows[0]["name"] as? String == "a, \"b\" | c" && rows[0]["ms"] as? Double == 12.3457)
    #expect(rows[0]["range"] as? [Double] == [1, 2.25] && rows[0]["speed"] is NSNull)
    #expect(rows[1]["bytes"] as? Int == 0)
  }

  @Test func goesToFormatsAndFiles() throws {
    #expect(
      try TableOutput.list("md, csv,out/a.JSON") == [
        .print(.md), .print(.csv), .file("out/a.JSON", .json),
      ])
    let error = #expect(throws: BenchListError.self) { try TableOutput.list("md,xml,a.txt,.csv") }
    #expect(error?.found == ["xml", "a.txt", ".csv"])
  }
}
