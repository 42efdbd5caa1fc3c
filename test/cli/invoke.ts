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
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true)),
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
