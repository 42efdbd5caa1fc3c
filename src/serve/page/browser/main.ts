/*
 * What runs in the browser: the text is asked for as it is typed, and its entities are marked in it. Whatever comes from a
 * text or from the server is put into the page as text, never as markup.
 */

interface Entity {
  readonly start: number
  readonly end: number
  readonly label: string
  readonly score: number
}

interface Answer {
  readonly model: string
  readonly version: string
  readonly degraded: boolean
  readonly reason?: string
  readonly results: readonly {
    readonly entities: readonly Entity[]
    readonly cache: 'hit' | 'shared' | 'miss'
    readonly stages_ms: Readonly<Record<string, number>>
  }[]
}

interface Failure {
  readonly error: { readonly code: string; readonly message: string; readonly mend?: string }
}

/** Where the server's addresses begin: it may be part of another. */
const base = location.pathname.replace(/\/?$/, '/')

/** Milliseconds after the last key before the server is asked. */
const pause = 150

const element = (id: string) => document.getElementById(id)!

const input = element('text') as HTMLTextAreaElement
const marked = element('marked')
const status = element('status')
const failure = element('failure')
const entities = element('entities')
const stages = element('stages')
const facts = element('facts')
const tokenForm = element('token-form')
const token = element('token') as HTMLInputElement

function make(name: string, text = '', className = ''): HTMLElement {
  const made = document.createElement(name)
  made.textContent = text
  made.className = className
  return made
}

/** A type's hue, the same on every machine; those that everybody has are far apart. */
function hueOf(label: string): number {
  const known = { PER: 340, PERSON: 340, ORG: 210, LOC: 30, GPE: 30, MISC: 275, PRODUCT: 150, DATE: 185 }[label]
  if (known !== undefined) return known
  let hash = 0
  for (const character of label) hash = (hash * 31 + character.codePointAt(0)!) % 65_521
  // The golden angle: neighbours are far apart.
  return Math.round(hash * 137.508) % 360
}

/** The text with its entities marked. Offsets are UTF-16 units, as in the strings here. */
function mark(text: string, found: readonly Entity[]): void {
  const parts: Node[] = []
  let at = 0
  for (const { start, end, label, score } of found) {
    parts.push(document.createTextNode(text.slice(at, start)))
    const one = make('mark', text.slice(start, end))
    one.style.setProperty('--hue', String(hueOf(label)))
    one.title = `${label}, score ${score.toFixed(3)}`
    // The space, at which no line ends, is for whoever hears or copies the page.
    one.append('\u00a0', make('span', label, 'label'))
    parts.push(one)
    at = end
  }
  parts.push(document.createTextNode(text.slice(at)))
  marked.replaceChildren(...parts)
}

function list(text: string, found: readonly Entity[]): void {
  entities.replaceChildren(
    ...found.map(({ start, end, label, score }) => {
      const row = make('tr')
      const type = make('td')
      const chip = make('span', label, 'chip')
      chip.style.setProperty('--hue', String(hueOf(label)))
      type.append(chip)
      row.append(
        make('td', text.slice(start, end), 'words'),
        type,
        make('td', score.toFixed(3), 'number'),
        make('td', `${start}–${end}`, 'number'),
      )
      return row
    }),
  )
  element('found').hidden = found.length === 0
}

const stageNames: Readonly<Record<string, string>> = {
  tokenizing: 'tokenizing',
  queued: 'in the queue',
  engine: 'engine',
  decoding: 'decoding',
}

const milliseconds = (value: number) => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`

/** Time by stage, each with a bar. What the cache had took the time when it was computed. */
function time(answer: Answer, roundTrip: number): void {
  const { cache, stages_ms: own } = answer.results[0]!
  const most = Math.max(...Object.values(own), 0.01)
  const rows = Object.entries(own).map(([name, value]) => {
    const row = make('div', '', 'stage')
    const bar = make('span', '', 'bar')
    bar.style.setProperty('--share', String(value / most))
    row.append(make('span', stageNames[name] ?? name), bar, make('span', milliseconds(value), 'number'))
    return row
  })
  stages.replaceChildren(...rows)
  const cached = { hit: 'hit', shared: 'shared with a request under way', miss: 'miss' }[cache]
  element('stages-note').textContent = cache === 'hit' ? 'when it was computed; now it came from the cache' : ''
  facts.replaceChildren(
    ...Object.entries({
      'round trip': milliseconds(roundTrip),
      cache: cached,
      model: answer.model,
      version: answer.version,
      state: answer.degraded ? `degraded${answer.reason === undefined ? '' : `: ${answer.reason}`}` : 'normal',
    }).flatMap(([name, value]) => [make('dt', name), make('dd', value, name)]),
  )
  document.body.classList.toggle('degraded', answer.degraded)
}

function tell(problem: Failure['error'] | undefined): void {
  failure.hidden = problem === undefined
  failure.replaceChildren()
  if (problem === undefined) return
  failure.append(make('strong', problem.message), ' ', problem.mend ?? '', ' ', make('code', problem.code))
}

let asked: AbortController | undefined

async function ask(text: string): Promise<void> {
  asked?.abort()
  if (text === '') {
    mark('', [])
    list('', [])
    status.textContent = 'No text.'
    tell(undefined)
    return
  }
  const own = (asked = new AbortController())
  const began = performance.now()
  const given = token.value === '' ? {} : { authorization: `Bearer ${token.value}` }
  try {
    const response = await fetch(`${base}v1/ner`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...given },
      body: JSON.stringify({ text: text.toWellFormed(), offset_unit: 'utf16' }),
      signal: own.signal,
    })
    const answer = (await response.json()) as Answer | Failure
    if (own.signal.aborted) return
    if ('error' in answer) {
      tokenForm.hidden &&= response.status !== 401
      tell(answer.error)
      return
    }
    tell(undefined)
    show(text, answer, performance.now() - began)
  } catch (error) {
    if (own.signal.aborted) return
    const message = `The server does not answer: ${error instanceof Error ? error.message : String(error)}.`
    tell({ code: 'unreachable', message, mend: 'It may have stopped. Type on to ask it again.' })
  }
}

function show(text: string, answer: Answer, roundTrip: number): void {
  const found = answer.results[0]!.entities
  mark(text, found)
  list(text, found)
  time(answer, roundTrip)
  status.textContent = found.length === 1 ? '1 entity.' : `${found.length} entities.`
}

let timer: number | undefined
function askSoon(): void {
  clearTimeout(timer)
  timer = setTimeout(() => void ask(input.value), pause)
}

/** The fragment of an address never leaves the browser. */
const prefix = '#text='

function readAddress(): void {
  if (!location.hash.startsWith(prefix)) return
  try {
    input.value = decodeURIComponent(location.hash.slice(prefix.length))
  } catch {
    // A link that was cut inside a character is no text.
  }
}

async function share(): Promise<void> {
  history.replaceState(null, '', prefix + encodeURIComponent(input.value.toWellFormed()))
  const said = element('shared')
  try {
    await navigator.clipboard.writeText(location.href)
    said.textContent = 'The link is copied.'
  } catch {
    // Only pages of https and of this machine may write there.
    said.textContent = 'The link is in the address bar.'
  }
}

input.addEventListener('input', askSoon)
element('share').addEventListener('click', () => void share())
tokenForm.addEventListener('submit', (event) => {
  event.preventDefault()
  sessionStorage.setItem('token', token.value)
  void ask(input.value)
})
addEventListener('hashchange', () => {
  readAddress()
  void ask(input.value)
})
for (const link of document.querySelectorAll<HTMLAnchorElement>('a[data-path]'))
  link.href = base + link.dataset['path']!
token.value = sessionStorage.getItem('token') ?? ''
tokenForm.hidden = token.value === ''
readAddress()
void ask(input.value)
