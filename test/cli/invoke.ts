import { vi } from 'vitest'
import { main } from '../../src/cli.js'

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line in this process. */
export async function ner(...argv: string[]): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text, ...rest: unknown[]) => {
      stdout += String(text)
      answer(rest)
      return true
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true)),
    // yargs prints help with it.
    vi.spyOn(console, 'log').mockImplementation((text) => void (stdout += `${String(text)}\n`)),
  ]
  try {
    return { code: await main(argv), stdout, stderr }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

/** The same, with nobody at the other end of standard output: how Node tells of it. */
export async function withoutReader(...argv: string[]): Promise<Omit<Outcome, 'stdout'>> {
  let stderr = ''
  const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((_, ...rest: unknown[]) => {
      answer(rest, error)
      process.stdout.emit('error', error)
      return false
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true)),
  ]
  try {
    return { code: await main(argv), stderr }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

/** Tells the one who writes how it went. */
function answer(given: readonly unknown[], error?: Error): void {
  for (const done of given) if (typeof done === 'function') (done as (error?: Error) => void)(error)
}
