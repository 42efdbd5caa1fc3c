import type { Interval } from '../data/scoring.js'
import { type Markup, markup } from './markup.js'
import { percent, short } from './numbers.js'

export interface Point {
  readonly x: number
  readonly y: number
}

export interface LineChart {
  readonly title: string
  /** What x counts, e.g. `step`. */
  readonly xName: string
  /** Ascending in x. Those that are not finite are left out. */
  readonly points: readonly Point[]
  /** Draws every point; for the few evaluations of a run, not for its thousands of steps. */
  readonly dots?: boolean
  /** A point to single out, by its x. */
  readonly best?: number | undefined
  /** How values read; `short` where absent. */
  readonly format?: (value: number) => string
}

const width = 360
const height = 200
const left = 46
const right = width - 14
const top = 14
const bottom = height - 32

/** A curve over time, as inline SVG in the page's colours. */
export function lineChart({ title, xName, points, dots = false, best, format = short }: LineChart): Markup {
  const finite = points.filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y))
  if (finite.length === 0) {
    return markup`<figure><figcaption>${title}</figcaption><p class="note">No values.</p></figure>`
  }
  const drawn = dots ? finite : thinned(finite, width)
  const first = drawn[0]!
  const last = drawn.at(-1)!
  const yTicks = ticks(extent(drawn.map((point) => point.y)), 4)
  const xTicks = ticks([first.x, last.x], 4).filter((tick) => tick >= first.x && tick <= last.x)
  // The x axis ends with the data, the y axis with its ticks.
  const x = scale([first.x, last.x], [left, right])
  const y = scale([yTicks[0]!, yTicks.at(-1)!], [bottom, top])
  const at = (point: Point) => `${xName} ${short(point.x)}: ${format(point.y)}`

  const path = drawn.map((point, i) => `${i === 0 ? 'M' : 'L'}${x(point.x)} ${y(point.y)}`).join('')
  const dot = (point: Point) => {
    const [kind, radius, note] = point.x === best ? (['best', 5, ' (best)'] as const) : (['point', 3, ''] as const)
    return markup`<circle class="${kind}" cx="${x(point.x)}" cy="${y(point.y)}" r="${radius}">
<title>${at(point)}${note}</title></circle>
`
  }
  return markup`<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}: ${at(first)}, ${at(last)}">
${axes({ x, y, xTicks, yTicks, right, bottom, xName, format })}
<path class="curve" d="${path}"/>
${dots ? drawn.map(dot) : undefined}</svg></figure>`
}

export interface CurvesChart {
  readonly title: string
  readonly xName: string
  /** One or two, each with a point or more, ascending in x; the first is drawn solid, the second dashed. */
  readonly series: readonly { readonly name: string; readonly points: readonly Point[] }[]
  readonly format?: (value: number) => string
}

/** Curves over one axis, named above them, as inline SVG. */
export function curvesChart({ title, xName, series, format = short }: CurvesChart): Markup {
  const [full, end] = [720, 320]
  const frame = { right: full - 14, bottom: end - 32 }
  const points = series.flatMap(({ points }) => points)
  const xTicks = ticks(extent(points.map(({ x }) => x)), 6)
  const yTicks = ticks(extent(points.map(({ y }) => y)), 5)
  const x = scale([xTicks[0]!, xTicks.at(-1)!], [left, frame.right])
  const y = scale([yTicks[0]!, yTicks.at(-1)!], [frame.bottom, 2.5 * top])
  const curves = series.map(({ name, points }, i) => {
    const kind = i === 0 ? 'first' : 'second'
    const path = points.map((point, i) => `${i === 0 ? 'M' : 'L'}${x(point.x)} ${y(point.y)}`).join('')
    const dots = points.map(
      (point) => markup`<circle class="point ${kind}" cx="${x(point.x)}" cy="${y(point.y)}" r="4">
<title>${name}, ${short(point.x)} ${xName}: ${format(point.y)}</title></circle>
`,
    )
    // Names at the ends of curves would lie on them.
    const from = left + 160 * i
    return markup`<path class="curve ${kind}" d="${path}"/>
${dots}<line class="curve ${kind}" x1="${from}" x2="${from + 28}" y1="${top}" y2="${top}"/>
<text class="strong" x="${from + 36}" y="${top + 4}">${name}</text>
`
  })
  const described = series
    .map(({ name, points }) => `${name} ${points.map(({ y }) => format(y)).join(', ')}`)
    .join('; ')
  return markup`<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${full} ${end}" role="img" aria-label="${title}: ${described}">
${axes({ ...frame, x, y, xTicks, yTicks, xName, format })}
${curves}</svg></figure>`
}

export interface ScatterChart {
  readonly title: string
  readonly xName: string
  readonly points: readonly (Point & { readonly name: string })[]
  readonly format?: (value: number) => string
}

/** Named points, as inline SVG: what is gained against what it costs. */
export function scatterChart({ title, xName, points, format = short }: ScatterChart): Markup {
  const [full, end] = [720, 280]
  const frame = { right: full - 14, bottom: end - 32 }
  const xTicks = ticks(extent([0, ...points.map((point) => point.x)]), 6)
  const yTicks = ticks(extent(points.map((point) => point.y)), 4)
  const x = scale([xTicks[0]!, xTicks.at(-1)!], [left, full - 120])
  const y = scale([yTicks[0]!, yTicks.at(-1)!], [frame.bottom, top])
  const dots = points.map(
    (point) => markup`<circle class="point" cx="${x(point.x)}" cy="${y(point.y)}" r="4">
<title>${point.name}: ${format(point.y)} at ${short(point.x)} ${xName}</title></circle>
<text class="strong" x="${x(point.x) + 8}" y="${y(point.y) + 4}">${clipped(point.name, 22)}</text>
`,
  )
  const described = points.map((point) => `${point.name} ${format(point.y)} at ${short(point.x)} ${xName}`).join(', ')
  return markup`<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${full} ${end}" role="img" aria-label="${title}: ${described}">
${axes({ ...frame, x, y, xTicks, yTicks, xName, format })}
${dots}</svg></figure>`
}

interface Axes {
  readonly x: (value: number) => number
  readonly y: (value: number) => number
  readonly xTicks: readonly number[]
  readonly yTicks: readonly number[]
  /** Where the plot ends, in pixels; below it is room for the ticks and for what x counts. */
  readonly right: number
  readonly bottom: number
  readonly xName: string
  readonly format: (value: number) => string
}

function axes({ x, y, xTicks, yTicks, right, bottom, xName, format }: Axes): Markup {
  const rules = yTicks.map(
    (tick) => markup`<line class="grid" x1="${left}" x2="${right}" y1="${y(tick)}" y2="${y(tick)}"/>
<text x="${left - 6}" y="${y(tick) + 4}" text-anchor="end">${format(tick)}</text>
`,
  )
  const marks = xTicks.map(
    // A long number at the edge would be cut.
    (tick) => markup`<text x="${x(tick)}" y="${bottom + 15}" text-anchor="${x(tick) < right ? 'middle' : 'end'}">
${short(tick)}</text>
`,
  )
  return markup`${rules}${marks}<text x="${right}" y="${bottom + 29}" text-anchor="end">${xName}</text>`
}

export interface Bar {
  readonly name: string
  /** From 0 to 1. */
  readonly value: number
  readonly interval?: Interval | undefined
}

/** Shares from 0 to 100 % with the intervals they lie in, one bar a row. */
export function barsWithIntervals(title: string, bars: readonly Bar[]): Markup {
  const row = 24
  const end = bars.length * row
  const [from, to, full] = [150, 654, 720]
  const x = scale([0, 1], [from, to])
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (tick) => markup`<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="0" y2="${end}"/>
<text x="${x(tick)}" y="${end + 16}" text-anchor="middle">${100 * tick}</text>
`,
  )
  const rows = bars.map(({ name, value, interval }, i) => {
    const y = (i + 0.5) * row
    return markup`<text class="strong" x="${from - 10}" y="${y + 4}" text-anchor="end">${clipped(name, 22)}</text>
<rect class="bar" x="${from}" y="${y - 7}" width="${round(x(value) - from)}" height="14"/>
<text class="strong" x="${to + 10}" y="${y + 4}">${percent(value)}</text>
${interval && whiskers(x(interval.low), x(interval.high), y)}`
  })
  const described = bars.map(({ name, value }) => `${name} ${percent(value)}`).join(', ')
  return markup`<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${full} ${end + 22}" role="img" aria-label="${title}: ${described}">
${grid}${rows}</svg></figure>`
}

const whiskers = (low: number, high: number, y: number): Markup =>
  markup`<path class="interval" d="M${low} ${y}H${high}M${low} ${y - 4}v8M${high} ${y - 4}v8"/>\n`

const clipped = (text: string, length: number) =>
  [...text].length > length ? `${[...text].slice(0, length - 1).join('')}…` : text

/** A tenth of a pixel is as fine as can be seen. */
const round = (value: number) => Math.round(10 * value) / 10

/** Linear; where all values are one, the middle. */
function scale([low, high]: readonly [number, number], [from, to]: readonly [number, number]) {
  return (value: number) => round(high === low ? (from + to) / 2 : from + ((value - low) / (high - low)) * (to - from))
}

function extent(values: readonly number[]): readonly [number, number] {
  return values.reduce<readonly [number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  )
}

/** About `count` steps of 1, 2 or 5 times a power of ten, from the lowest value or below to the highest or above. */
export function ticks([low, high]: readonly [number, number], count: number): number[] {
  const range = high - low || Math.abs(high) || 1
  const power = 10 ** Math.floor(Math.log10(range / count))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => range / size <= count)!
  const first = Math.floor(low / step)
  const last = Math.max(Math.ceil(high / step), first + 1)
  // The round trip drops what binary fractions add: 3 × 0.1 is 0.30000000000000004.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}

/** Means of runs of points, so that there are at most `count`: more would not be seen, and would fill the file. */
function thinned(points: readonly Point[], count: number): readonly Point[] {
  if (points.length <= count) return points
  const run = Math.ceil(points.length / count)
  return Array.from({ length: Math.ceil(points.length / run) }, (_, i) => {
    const some = points.slice(i * run, (i + 1) * run)
    const mean = (of: (point: Point) => number) => some.reduce((sum, point) => sum + of(point), 0) / some.length
    return { x: mean((point) => point.x), y: mean((point) => point.y) }
  })
}
