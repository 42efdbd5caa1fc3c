// What the benchmarks share: a peer in another process, turns, medians.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/**
 * A script of bench/peers, running and warmed up; undefined where NER_BENCH_PYTHON names no Python. It answers every
 * line it is sent with a line of JSON.
 */
export async function startPeer(script, args) {
  const python = process.env.NER_BENCH_PYTHON
  if (!python) {
    console.error('NER_BENCH_PYTHON names no Python with torch and transformers: only our side is measured.')
    return undefined
  }
  const path = fileURLToPath(new URL(`peers/${script}`, import.meta.url))
  const child = spawn(python, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${script} ended without an answer`)
    return JSON.parse(value)
  }
  await answer()
  return {
    ask(line) {
      child.stdin.write(`${line}\n`)
      return answer()
    },
    async end() {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

/**
 * Measures each side so many times, one after the other (A B A B …), so that a machine that slows down slows both.
 * Gives each side's measurements by its name.
 */
export async function takeTurns(sides, rounds) {
  const results = Object.fromEntries(Object.keys(sides).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++)
    for (const [name, measure] of Object.entries(sides)) results[name].push(await measure())
  return results
}

/** The value below which a share of the values lies, between the two nearest where it is none of them. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  const place = share * (sorted.length - 1)
  const below = Math.floor(place)
  const above = Math.ceil(place)
  return sorted[below] + (place - below) * (sorted[above] - sorted[below])
}

export const median = (values) => quantile(values, 0.5)

/** This process's peak memory in MiB. */
export const peakMemory = () => process.resourceUsage().maxRSS / 1024

/** Rows of columns, the first left-aligned. */
export function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  for (const row of rows)
    console.log(row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '))
}
