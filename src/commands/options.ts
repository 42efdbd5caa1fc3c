/** For the commands that run a model and have no configuration. */
export const threads = {
  type: 'number',
  default: 0,
  describe: 'Threads of the engine; 0 takes every core',
} as const

export const onMisaligned = {
  type: 'string',
  choices: ['error', 'skip'],
  describe: 'Spans that cut a word: stop, or write them to a file and leave them out',
} as const
