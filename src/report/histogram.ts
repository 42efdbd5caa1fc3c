import { ticks } from './charts.js'
import { type Markup, markup } from './markup.js'
import { thousands } from './numbers.js'

export interface Histogram {
  readonly title: string
  /** What the values count, e.g. `tokens`. */
  readonly xName: string
  /** How often each value is there; whole numbers from 0. */
  readonly counts: ReadonlyMap<number, number>
}

const [width, height, left, top] = [360, 200, 46, 14]
const right = width - 14
const bottom = height - 32

/** As many columns as can be told apart. */
const most = 40

/** How often values fall into ranges of one width, as inline SVG. */
export function histogram({ title, xName, counts }: Histogram): Markup {
  const largest = Math.max(0, ...counts.keys())
  const step = Math.ceil((largest + 1) / most)
  const bins = new Array<number>(Math.floor(largest / step) + 1).fill(0)
  for (const [value, count] of counts) bins[Math.floor(value / step)]! += count
  const yTicks = ticks([0, Math.max(...bins, 1)], 4).filter(Number.isInteger)
  const column = (right - left) / bins.length
  const y = (count: number) => Math.round(10 * (bottom - (count / yTicks.at(-1)!) * (bottom - top))) / 10
  const x = (bin: number) => Math.round(10 * (left + bin * column)) / 10
  const range = (bin: number) => (step === 1 ? `${bin}` : `${bin * step}–${(bin + 1) * step - 1}`)
  const rules = yTicks.map(
    (tick) => markup`<line class="grid" x1="${left}" x2="${right}" y1="${y(tick)}" y2="${y(tick)}"/>
<text x="${left - 6}" y="${y(tick) + 4}" text-anchor="end">${thousands(tick)}</text>
`,
  )
  const marks = ticks([0, bins.length], 5)
    .filter((bin) => Number.isInteger(bin) && bin < bins.length)
    .map((bin) => markup`<text x="${x(bin + 0.5)}" y="${bottom + 15}" text-anchor="middle">${bin * step}</text>\n`)
  const bars = bins.map(
    (count, bin) => markup`<rect class="bar" x="${x(bin)}" y="${y(count)}" width="${Math.max(1, column - 1)}"
height="${bottom - y(count)}"><title>${range(bin)} ${xName}: ${thousands(count)}</title></rect>
`,
  )
  return markup`<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}: from 0 to ${largest} ${xName}">
${rules}${bars}${marks}<text x="${right}" y="${height - 3}" text-anchor="end">${xName}</text>
</svg></figure>`
}
