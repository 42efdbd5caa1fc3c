/** Light and dark by the reader's own choice, one column on a phone. Colours of types have 4.5 : 1 to their text. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1b1b1f; --soft: #5c5f66; --line: #d9dbe0; --field: #f7f7f9; --accent: #1d4ed8;
  --mark-saturation: 80%; --mark-light: 88%; --edge-light: 45%; --warn-paper: #fff3cd; --warn-ink: #664d03;
  --bad-paper: #fde2e4; --bad-ink: #7a1420;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #17181c; --ink: #ececf1; --soft: #a3a6ae; --line: #3a3c43; --field: #202227; --accent: #8fb0ff;
    --mark-saturation: 45%; --mark-light: 25%; --edge-light: 65%; --warn-paper: #4d3d00; --warn-ink: #ffe69c;
    --bad-paper: #4c1219; --bad-ink: #ffc9ce;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0 auto; padding: 1rem; max-width: 72rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif;
}
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.25rem 1rem; margin-bottom: 1rem; }
h1 { font-size: 1.25rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 0.9rem; margin: 0 0 0.5rem; color: var(--soft); font-weight: 600; }
header p { margin: 0; color: var(--soft); }
a { color: var(--accent); }
main { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 1fr); gap: 1.5rem; }
@media (max-width: 48rem) { main { grid-template-columns: minmax(0, 1fr); } }
label { display: block; margin-bottom: 0.25rem; font-weight: 600; }
textarea, input {
  width: 100%; padding: 0.6rem 0.75rem; border: 1px solid var(--soft); border-radius: 0.4rem; background: var(--field);
  color: inherit; font: inherit;
}
textarea { min-height: 7rem; resize: vertical; }
button {
  padding: 0.4rem 0.9rem; border: 1px solid var(--soft); border-radius: 0.4rem; background: var(--field); color: inherit;
  font: inherit; cursor: pointer;
}
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.row { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 0.75rem; margin: 0.5rem 0 1rem; }
.row span { color: var(--soft); }
#status { margin-left: auto; }
#token-form { margin-bottom: 1rem; }
#token-form div { display: flex; gap: 0.5rem; }
#marked {
  min-height: 4rem; padding: 0.75rem; border: 1px solid var(--line); border-radius: 0.4rem; line-height: 2.1;
  white-space: pre-wrap; overflow-wrap: anywhere;
}
mark, .chip {
  background: hsl(var(--hue) var(--mark-saturation) var(--mark-light)); color: inherit; border-radius: 0.3rem;
  border-bottom: 2px solid hsl(var(--hue) 65% var(--edge-light));
}
mark { padding: 0.15em 0.3em; box-decoration-break: clone; -webkit-box-decoration-break: clone; }
.chip { padding: 0 0.4em; font-size: 0.85em; }
.label { font-size: 0.72em; font-weight: 700; letter-spacing: 0.03em; }
#failure { margin: 0 0 1rem; padding: 0.6rem 0.75rem; border-radius: 0.4rem; background: var(--bad-paper); color: var(--bad-ink); }
section { margin-bottom: 1.5rem; }
table { width: 100%; border-collapse: collapse; }
caption, th { text-align: left; color: var(--soft); font-weight: 600; font-size: 0.9rem; }
td, th { padding: 0.3rem 0.75rem 0.3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.words { overflow-wrap: anywhere; white-space: pre-wrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.stage { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr) 5rem; align-items: center; gap: 0.5rem; }
.bar { height: 0.6rem; border-radius: 0.3rem; background: linear-gradient(var(--accent), var(--accent)) no-repeat 0 / calc(var(--share) * 100%) 100% var(--line); }
#stages-note { color: var(--soft); font-size: 0.9rem; margin: 0.25rem 0 0; }
dl { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: 0.2rem 0.5rem; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.degraded dd.state { padding: 0 0.4em; border-radius: 0.3rem; background: var(--warn-paper); color: var(--warn-ink); }
noscript { color: var(--bad-ink); }
@media (prefers-reduced-motion: no-preference) { mark { transition: background 0.15s; } }
`
