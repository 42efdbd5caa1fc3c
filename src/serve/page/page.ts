import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { style } from './style.js'

/** A page to try a model, in one answer, with the headers that it is sent with. */
export interface Page {
  readonly html: string
  readonly headers: Readonly<Record<string, string>>
}

/** The page takes nothing from elsewhere; it runs its own script alone, and no text can make it run another. */
export function tryOutPage(model: string): Page {
  // Built from browser/main.ts, beside this file.
  const script = readFileSync(new URL('../../../dist/serve/page/browser/main.js', import.meta.url), 'utf8')
  const policy = {
    'default-src': "'none'",
    'script-src': hashOf(script),
    'style-src': hashOf(style),
    'connect-src': "'self'",
    'img-src': 'data:',
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
  }
  return {
    html: markup(escaped(model), script),
    headers: {
      'content-security-policy': Object.entries(policy)
        .map(([key, value]) => `${key} ${value}`)
        .join('; '),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-cache',
    },
  }
}

const hashOf = (source: string) => `'sha256-${createHash('sha256').update(source).digest('base64')}'`

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const example = 'Marie Curie was born in Warsaw and moved to Paris in 1891.'

const markup = (model: string, script: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${model} · ner</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<header>
<h1>${model}</h1>
<p>Entities of a text, as you type. <a href="openapi.json" data-path="openapi.json">API</a> · <a href="metrics" data-path="metrics">metrics</a></p>
</header>
<form id="token-form" hidden>
<label for="token">Token of the server</label>
<div><input id="token" type="password" autocomplete="off"><button>Use it</button></div>
</form>
<main>
<div>
<label for="text">Text</label>
<textarea id="text" dir="auto" spellcheck="false" autofocus>${example}</textarea>
<div class="row"><button id="share" type="button">Share a link</button><span id="shared" role="status"></span>
<span id="status" role="status"></span></div>
<p id="failure" role="alert" hidden></p>
<section aria-labelledby="marked-title">
<h2 id="marked-title">Entities in the text</h2>
<div id="marked" dir="auto"></div>
</section>
<table id="found" hidden>
<thead><tr><th scope="col">entity</th><th scope="col">type</th><th scope="col" class="number">score</th><th scope="col" class="number">at</th></tr></thead>
<tbody id="entities"></tbody>
</table>
</div>
<aside>
<section aria-labelledby="time-title">
<h2 id="time-title">Time by stage</h2>
<div id="stages"></div>
<p id="stages-note"></p>
</section>
<section aria-labelledby="facts-title">
<h2 id="facts-title">This answer</h2>
<dl id="facts"></dl>
</section>
</aside>
</main>
<noscript>The page needs JavaScript; the API does not.</noscript>
<script type="module">${script}</script>
</body>
</html>
`
