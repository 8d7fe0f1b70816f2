const light = `--paper: #fff; --ink: #1b1f24; --quiet: #5b6570; --line: #d8dee4;
  --soft: #f5f7f9; --blue: #0f62c0; --green: #17803d; --red: #c0262d; --amber: #a86400; --violet: #7542c8; --grey: #8a949e;`;
const dark = `--paper: #15191e; --ink: #e4e8ec; --quiet: #9aa5b1; --line: #333b44;
  --soft: #1d2329; --blue: #62a8ff; --green: #46b96c; --red: #ff7b76; --amber: #e0a33c; --violet: #b18cf5; --grey: #77828d;`;

/**
 * The one style of a report. It names no file and no font of others: the page is all there is. Editors of the VS Code
 * family say by a class of the body which theme they have: it is theirs, whatever the system prefers.
 */
export const style = `
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
@media screen { body.vscode-light, body.vscode-high-contrast-light { color-scheme: light; ${light} }
  body.vscode-dark, body.vscode-high-contrast:not(.vscode-high-contrast-light) { color-scheme: dark; ${dark} } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 40px 32px 64px; }
h1 { font-size: 27px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 40px 0 12px; padding-bottom: 6px; border-bottom: 1px solid var(--line); }
h3 { font-size: 15px; margin: 20px 0 6px; overflow-wrap: anywhere; }
p { margin: 8px 0; max-width: 76ch; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.pill { display: inline-block; font-size: 13px; font-weight: 600; line-height: 1; padding: 5px 10px; border-radius: 99px;
  border: 1px solid currentColor; vertical-align: 4px; white-space: nowrap; }
.completed, .go, .restored { color: var(--green); } .failed, .no-go { color: var(--red); } .in_progress { color: var(--blue); }
.paused, .inconclusive, .held { color: var(--amber); } .rolling_back, .rolled_back { color: var(--violet); }
.pending, .cancelled, .skipped { color: var(--grey); }
.note { border-left: 3px solid currentColor; padding: 4px 0 4px 12px; } .note span { color: var(--ink); }
dl.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 1px; margin: 24px 0 8px;
  background: var(--line); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
dl.figures div { background: var(--soft); padding: 12px 16px; } dt { color: var(--quiet); font-size: 13px; }
dl.figures dd { margin: 2px 0 0; font-size: 21px; font-weight: 600; font-variant-numeric: tabular-nums; }
figure { margin: 8px 0; } figcaption { color: var(--quiet); font-size: 13px; margin-top: 4px; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--quiet); font-size: 12px; font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--line); } svg .axis { stroke: var(--grey); } svg .fill { fill: currentColor; }
svg .mark { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 2 2; } svg .strong { fill: var(--ink); }
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; margin: 6px 0 0; padding: 0; list-style: none; }
.key span { color: var(--quiet); } .key li::before { content: ""; display: inline-block; width: 10px; height: 10px;
  border-radius: 2px; background: currentColor; margin-right: 6px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th { text-align: left; color: var(--quiet); font-weight: 600; white-space: nowrap; } th, td { padding: 6px 12px 6px 0;
  border-bottom: 1px solid var(--line); vertical-align: top; } td { overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } td.time, td.short { white-space: nowrap; } td.who { min-width: 9em; }
code { font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
footer { margin-top: 48px; padding-top: 12px; border-top: 1px solid var(--line); color: var(--quiet); font-size: 13px; }
@media (max-width: 640px) { main { padding: 24px 16px; } }
@page { size: A4; margin: 16mm 14mm; }
@media print { :root { --paper: #fff; --ink: #000; --quiet: #444; --line: #c4c9ce; --soft: #fff; --blue: #0f62c0; --green: #17803d;
  --red: #b3161d; --amber: #8f5500; --violet: #6231b5; --grey: #6f7a84; color-scheme: light; }
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; } h2 { margin-top: 22pt; break-after: avoid; } h3 { break-after: avoid; }
  figure, tr, dl.figures, .note { break-inside: avoid; } thead { display: table-header-group; } table { font-size: 8.5pt; } .wide { overflow: visible; } }
`;
