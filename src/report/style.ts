/**
 * The look of every report: one column, the system's fonts, light or dark as the reader has it, light in print.
 * Right is blue and wrong is orange, which colour-blind readers tell apart; neither is told by colour alone.
 */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c2024; --quiet: #606872; --line: #dfe3e8; --faint: #f5f6f8;
  --blue: #1f5fbf; --blue-wash: #1f5fbf1f; --orange: #a94a00; --orange-wash: #e8731d2e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e4e7ea; --quiet: #9aa3ad; --line: #2f353b; --faint: #1c2024;
    --blue: #7db0f5; --blue-wash: #7db0f52b; --orange: #f5a25d; --orange-wash: #f5a25d2e;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 60rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
h1 { margin: 0; font-size: 1.6rem; line-height: 1.2; }
h2 { margin: 2.75rem 0 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--line); font-size: 1.15rem; }
h3 { margin: 1.5rem 0 0.5rem; font-size: 1rem; }
p { margin: 0.4rem 0; max-width: 46rem; }
.note, .lead { color: var(--quiet); }
.note { font-size: 0.875rem; }
.figures { display: flex; flex-wrap: wrap; gap: 0.5rem 2.5rem; margin: 1.5rem 0 0; padding: 0; }
.figures div { display: flex; flex-direction: column-reverse; }
.figures dt { color: var(--quiet); font-size: 0.875rem; }
.figures dd { margin: 0; font-size: 1.75rem; font-weight: 600; line-height: 1.2; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9375rem; }
caption { text-align: left; color: var(--quiet); font-size: 0.875rem; padding-bottom: 0.5rem; }
th, td { padding: 0.3rem 0.9rem 0.3rem 0; text-align: right; white-space: nowrap; font-weight: 400; }
th:first-child, td:first-child { text-align: left; }
thead > tr > * { color: var(--quiet); font-size: 0.875rem; border-bottom: 1px solid var(--line); vertical-align: bottom; }
tbody th { font-weight: 600; }
tr.total > * { border-top: 1px solid var(--line); }
.matrix th, .matrix td { padding: 0.35rem 0.75rem; text-align: right; }
.matrix th:first-child { text-align: left; padding-left: 0; }
.matrix td { min-width: 4.5rem; border: 1px solid var(--line); }
.matrix .right { background: color-mix(in srgb, var(--blue) calc(50% * var(--share)), transparent); }
.matrix .wrong { background: color-mix(in srgb, var(--orange) calc(10% + 80% * var(--share)), transparent); }
.matrix .zero { color: var(--quiet); }
.matrix small { opacity: 0.75; margin-left: 0.3rem; }
.matrix .none { border: 0; }
dl.values { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1.5rem; margin: 0; font-size: 0.9375rem; }
dl.values dt { color: var(--quiet); }
dl.values dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1.5rem; }
figure { margin: 0; }
.scroll + figure { margin-top: 1.5rem; }
figcaption { font-size: 0.875rem; font-weight: 600; }
svg { display: block; width: 100%; height: auto; font-size: 11px; font-variant-numeric: tabular-nums; }
svg text { fill: var(--quiet); font-family: inherit; }
svg .strong { fill: var(--ink); font-weight: 600; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .curve { fill: none; stroke: var(--blue); stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; }
svg .point { fill: var(--blue); }
svg .curve.second { stroke: var(--orange); stroke-dasharray: 6 4; }
svg .point.second { fill: var(--orange); }
svg .best { fill: var(--paper); stroke: var(--orange); stroke-width: 2; }
svg .bar { fill: var(--blue-wash); }
svg .interval { stroke: var(--blue); stroke-width: 1.5; }
.errors { list-style: none; margin: 0; padding: 0; }
.errors > li { padding: 0.75rem 0; border-top: 1px solid var(--line); break-inside: avoid; }
.errors .where { color: var(--quiet); font-size: 0.8125rem; }
.errors p { display: grid; grid-template-columns: 3.5rem 1fr; max-width: none; margin: 0.15rem 0; line-height: 1.75; }
.errors.named p { grid-template-columns: 7rem 1fr; }
.errors.named p > span:first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.errors p > span:first-child { color: var(--quiet); font-size: 0.8125rem; }
.errors p > span:last-child { min-width: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
mark { background: none; color: inherit; border-bottom: 2px solid var(--line); padding: 0.05rem 0.1rem; }
mark small { color: var(--quiet); font-size: 0.6875rem; letter-spacing: 0.02em; margin-left: 0.3rem; }
mark.missed { background: var(--blue-wash); border-bottom: 2px dashed var(--blue); }
mark.wrong { background: var(--orange-wash); border-bottom: 2px solid var(--orange); font-weight: 600; }
mark.missed small { color: var(--blue); }
mark.wrong small { color: var(--orange); }
details { margin-top: 0.75rem; }
summary { cursor: pointer; color: var(--quiet); }
summary:has(+ .errors) { color: var(--ink); font-weight: 600; }
pre { margin: 0.5rem 0 0; padding: 0.75rem 1rem; background: var(--faint); overflow-x: auto; font-size: 0.8125rem; }
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --ink: #000; --quiet: #444; --line: #ccc; --faint: #fff;
    --blue: #1f5fbf; --blue-wash: #1f5fbf1f; --orange: #a94a00; --orange-wash: #e8731d2e;
  }
  body { max-width: none; padding: 0; font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
}
`
