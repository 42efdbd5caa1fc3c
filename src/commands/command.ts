import type { InferredOptionTypes, Options, PositionalOptions } from 'yargs'

/** Exit codes; scripts and CI jobs build on them. */
export const exit = { done: 0, gateFailed: 1, badInput: 2, interrupted: 130 } as const
export type ExitCode = (typeof exit)[keyof typeof exit]

/** What a command takes, as data, and the one thing it does. */
export interface Command {
  readonly positionals: Readonly<Record<string, PositionalOptions>>
  readonly options: Readonly<Record<string, Options>>
  readonly examples: readonly (readonly [line: string, what: string])[]
  readonly run: (args: unknown) => Promise<ExitCode>
}

/** Types the arguments of a command by its own tables. */
export function defineCommand<
  const P extends Record<string, PositionalOptions>,
  const O extends Record<string, Options>,
>(command: {
  readonly positionals: P
  readonly options: O
  readonly examples: Command['examples']
  readonly run: (args: InferredOptionTypes<P & O>) => Promise<ExitCode>
}): Command {
  return { ...command, run: (args) => command.run(args as InferredOptionTypes<P & O>) }
}
