import { failuresOf, type Gate } from '../evaluation/gate.js'
import { exit, type ExitCode } from './command.js'
import { tell } from '../terminal.js'

/** Says on standard error which gates failed; the exit code says whether any did. */
export function passing(gates: readonly Gate[], show: (figure: number) => string): ExitCode {
  const failures = failuresOf(gates, show)
  for (const failure of failures) tell(`${failure}\n`)
  return failures.length === 0 ? exit.done : exit.gateFailed
}
