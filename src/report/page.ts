import { type Markup, markup } from './markup.js'
import { style } from './style.js'

export interface Section {
  readonly heading: string
  readonly body: readonly Markup[]
}

/**
 * A whole HTML file that needs nothing but itself: no script, no font or image from elsewhere; its policy forbids them.
 * `lead` stands under the title, before the first section.
 */
export function page(title: string, lead: readonly Markup[], sections: readonly Section[]): string {
  const parts = sections.map(
    ({ heading, body }) => markup`<section>
<h2>${heading}</h2>
${body}
</section>
`,
  )
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${{ html: style }}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${lead}
</header>
<main>
${parts}</main>
</body>
</html>
`.html
}

/** Facts by name, in their order: of a run, of its data. */
export type Facts = Readonly<Record<string, string | number>>

export function keyValues(facts: Facts): Markup {
  const rows = Object.entries(facts).map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>\n`)
  return markup`<dl class="values">\n${rows}</dl>`
}

/** The few numbers that a reader came for, large. */
export function figures(facts: Facts): Markup {
  const items = Object.entries(facts).map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)
  return markup`<dl class="figures">\n${items}</dl>`
}
