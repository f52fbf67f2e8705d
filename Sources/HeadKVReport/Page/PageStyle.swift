/// The style sheet of a page.
enum PageStyle {
  static let css =
    """
    :root{color-scheme:light dark;\(colors(\.light))}
    @media(prefers-color-scheme:dark){:root{\(colors(\.dark))}}
    \(rules)
    """

  private static func colors(_ color: (Paint.Part) -> Color) -> String {
    Paint.parts.map { "\($0.variable):\(color($0).hex);" }.joined()
  }

  private static let rules = """
    *{box-sizing:border-box}
    body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:64rem;background:var(--paper);
    color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;
    overflow-wrap:anywhere}
    h1{font-size:1.6rem;line-height:1.2;margin:0}
    h2{font-size:1.15rem;margin:2.5rem 0 .75rem;padding-top:.75rem;border-top:1px solid var(--rule)}
    p{max-width:44rem;margin:.5rem 0}
    .muted,figcaption,dt,th{color:var(--muted)}
    dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:0 2rem;margin:.5rem 0}
    dl div{display:flex;justify-content:space-between;gap:1rem;padding:.2rem 0;
    border-bottom:1px solid var(--rule)}
    dt{flex:none}
    dd{margin:0;text-align:right;font-variant-numeric:tabular-nums}
    table{border-collapse:collapse;font-size:.925rem}
    th,td{padding:.3rem .9rem .3rem 0;text-align:left;border-bottom:1px solid var(--rule);
    white-space:nowrap}
    th{font-weight:500}
    .number{text-align:right;font-variant-numeric:tabular-nums}
    .scroll{overflow-x:auto}
    .side{display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start}
    figure{margin:.5rem 0;min-width:0;max-width:100%}
    figcaption{font-size:.85rem;margin-top:.3rem}
    .picture{flex:1 1 10rem;max-width:17rem}
    img{display:block;width:100%;image-rendering:pixelated}
    svg{display:block;height:auto}
    .bars{display:grid;grid-template-columns:auto 1fr auto;gap:.35rem .9rem;align-items:center;
    margin:1rem 0}
    .track{background:var(--panel);height:.8rem}
    .track span{display:block;height:100%;min-width:1px;background:var(--hue0)}
    """
}
