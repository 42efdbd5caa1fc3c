import { readFileSync } from 'node:fs'
import yargs, { type Argv, type Options } from 'yargs'
import type { Command, ExitCode } from './commands/command.js'
import { onReading } from './data/notes.js'
import { NerError } from './errors.js'
import { nearest } from './nearest.js'
import { tell } from './terminal.js'

interface Entry {
  readonly takes: string
  readonly summary: string
  readonly load: () => Promise<{ readonly command: Command }>
}

/**
 * Every command; two words are a command of a group. Its file is loaded when it is asked for, so that `ner --help`
 * never loads the engine.
 */
const commands: Readonly<Record<string, Entry>> = {
  train: {
    takes: '<config>',
    summary: 'Train a model from labelled text',
    load: () => import('./commands/train.js'),
  },
  eval: {
    takes: '<model> <data>',
    summary: 'Score a model on labelled text',
    load: () => import('./commands/eval.js'),
  },
  predict: {
    takes: '<model> [text..]',
    summary: 'Find the entities in text',
    load: () => import('./commands/predict.js'),
  },
  distill: {
    takes: '<teachers..>',
    summary: 'Train a smaller model on what larger ones say',
    load: () => import('./commands/distill.js'),
  },
  quantize: {
    takes: '<model>',
    summary: 'Make an int8 model of a trained one',
    load: () => import('./commands/quantize.js'),
  },
  export: {
    takes: '<model>',
    summary: 'Write verified files for ONNX Runtime, TensorRT and transformers.js',
    load: () => import('./commands/export.js'),
  },
  bench: {
    takes: '<models..>',
    summary: 'Time models side by side',
    load: () => import('./commands/bench.js'),
  },
  serve: {
    takes: '[model]',
    summary: 'Answer requests over HTTP, within a latency budget',
    load: () => import('./commands/serve.js'),
  },
  doctor: {
    takes: '',
    summary: 'Say what this machine can run on, and what mends the rest',
    load: () => import('./commands/doctor.js'),
  },
  'data convert': {
    takes: '<input>',
    summary: 'Turn labelled text into another format, and list what it cannot hold',
    load: () => import('./commands/data/convert.js'),
  },
  'data validate': {
    takes: '<files..>',
    summary: 'Find what is wrong in labelled text, and mend what is safe to',
    load: () => import('./commands/data/validate.js'),
  },
  'data stats': {
    takes: '<files..>',
    summary: 'Count what labelled text holds',
    load: () => import('./commands/data/stats.js'),
  },
  'data split': {
    takes: '<file>',
    summary: 'Divide labelled text into train, dev and test',
    load: () => import('./commands/data/split.js'),
  },
  'weak apply': {
    takes: '<config>',
    summary: 'Let labelling functions vote: patterns, knowledge bases, models, code',
    load: () => import('./commands/weak/apply.js'),
  },
  'weak analyse': {
    takes: '<votes..>',
    summary: 'Say what each labelling function is worth, alone and beside the others',
    load: () => import('./commands/weak/analyse.js'),
  },
  'weak fit': {
    takes: '<votes..>',
    summary: 'Weigh the votes of labelling functions, and write soft labels to train on',
    load: () => import('./commands/weak/fit.js'),
  },
  'weak predict': {
    takes: '<model> <votes..>',
    summary: 'Label the votes on new text as a label model that was fitted before',
    load: () => import('./commands/weak/predict.js'),
  },
  'weak curve': {
    takes: '',
    summary: 'Draw F1 against labelled sentences, with and without weak labels',
    load: () => import('./commands/weak/curve.js'),
  },
  agree: {
    takes: '<files..>',
    summary: 'Measure how far annotators agree, and list where they do not',
    load: () => import('./commands/agree.js'),
  },
  'data sample': {
    takes: '<file>',
    summary: 'Draw documents to label: stratified, or what a model is least sure of',
    load: () => import('./commands/data/sample.js'),
  },
  'data merge': {
    takes: '<files..>',
    summary: 'Make one layer of several annotators’, by majority or decision',
    load: () => import('./commands/data/merge.js'),
  },
  'data guide': {
    takes: '<files..>',
    summary: 'Draft an annotation guide from labels and disagreements',
    load: () => import('./commands/data/guide.js'),
  },
  'data doubt': {
    takes: '<model> <file>',
    summary: 'Find labels that are probably wrong, by what a model makes of them',
    load: () => import('./commands/data/doubt.js'),
  },
}

/** What the groups of commands are for. */
const groups: Readonly<Record<string, string>> = {
  data: 'Check, convert, sample and merge labelled data',
  weak: 'Label text with patterns and knowledge bases',
}

/** A defect of ours, which is neither a failed gate nor bad input (EX_SOFTWARE of sysexits.h). */
const defect = 70

/** Runs a command line and returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  // For good: what is said last may fail when this is over.
  for (const stream of [process.stdout, process.stderr]) stream.off('error', ignore).on('error', ignore)
  const told = new Set<string>()
  const endReading = onReading(({ file, note }) => {
    const line = `${file}: ${note}\n`
    // A file that is read twice is spoken of once.
    if (!told.has(line)) tell(line)
    told.add(line)
  })
  try {
    return await runCommand(argv)
  } catch (error) {
    tell(`${withFlagNames(explain(error), await flagsOf(argv))}\n`)
    return error instanceof NerError ? 2 : defect
  } finally {
    endReading()
  }
}

/** The flags of the command that a line asks for; none where it asks for no command. */
async function flagsOf(argv: readonly string[]): Promise<readonly string[]> {
  try {
    const entry = commands[commandName(argv)]
    return entry === undefined ? [] : Object.keys((await entry.load()).command.options)
  } catch {
    return []
  }
}

/** Errors of the library name options in backticks; whoever types a command knows them as flags. */
const withFlagNames = (message: string, flags: readonly string[]): string =>
  message.replace(/`([a-z][a-z0-9-]*)`/g, (whole, option: string) => (flags.includes(option) ? `--${option}` : whole))

/** A result that cannot be written is an error of whoever writes it, and a reader that has gone of nobody. */
const ignore = () => undefined

function explain(error: unknown): string {
  const debug = process.env['NER_DEBUG'] === '1'
  if (!(error instanceof Error)) return String(error)
  if (debug) return [error.stack, ...(error.cause === undefined ? [] : [`cause: ${stackOf(error.cause)}`])].join('\n')
  if (error instanceof NerError) return error.message
  return `This should not have happened: ${error.message}\n  mend:  Run again with NER_DEBUG=1 and report what it says.`
}

const stackOf = (cause: unknown) => (cause instanceof Error ? cause.stack : String(cause))

async function runCommand(argv: readonly string[]): Promise<number> {
  const name = commandName(argv)
  const entry = commands[name]
  let code: ExitCode = 0
  const known = entry === undefined ? {} : (await entry.load()).command.options
  const flags = Object.keys(known)
  const words = isGroupOnly(argv) ? [...argv, '--help'] : withFlags(argv, listsOf(known))
  const parser = yargs(words)
    .scriptName('ner')
    .usage('$0 COMMAND [INPUT…] [--flags]')
    .locale('en')
    .updateStrings(strings)
    .version(version())
    .help()
    .alias({ help: 'h' })
    .strict()
    // Dots and dashes stay as typed; to yargs a flag takes one value, and can be repeated where it is a list.
    .parserConfiguration({
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'boolean-negation': false,
      'parse-positional-numbers': false,
      'populate--': true,
    })
    .wrap(Math.min(100, process.stdout.columns || 100))
    .exitProcess(false)
    .fail((message: string, error?: Error) => {
      throw error ?? usageError(message, name, flags)
    })
    .epilogue('Exit codes: 0 done, 1 a gate failed, 2 bad usage or bad input, 130 interrupted.')

  const register = (to: Argv, word: string, { takes, summary, load }: Entry) => {
    const builder = async (inner: Argv) => {
      const { positionals, options, examples } = (await load()).command
      for (const [key, positional] of Object.entries(positionals)) inner.positional(key, positional)
      return inner
        .options(withValues(options))
        .example(examples.map(([line, what]) => [line, what]))
        .version(false)
        .epilogue('')
    }
    to.command(`${word} ${takes}`.trim(), summary, builder, async (args) => {
      const { positionals, options, run } = (await load()).command
      checkValues(options, args)
      code = await run(withRest(positionals, args))
    })
  }
  for (const [key, command] of Object.entries(commands)) if (!key.includes(' ')) register(parser, key, command)
  for (const [group, summary] of Object.entries(groups)) {
    parser.command(group, summary, (inner) => {
      for (const [word, command] of membersOf(group)) register(inner, word, command)
      return inner.usage(`$0 ${group} COMMAND [INPUT…] [--flags]`).version(false).epilogue('')
    })
  }
  try {
    // What yargs would print itself, and not notice that it could not.
    let said = ''
    await parser.parseAsync(words, {}, (_error, _args, output) => {
      said = output
    })
    if (said !== '') await (await import('./commands/output.js')).write(`${said}\n`)
  } catch (error) {
    // Some errors of yargs' own do not pass by fail() where a command is loaded late.
    throw error instanceof Error && error.name === 'YError' ? usageError(error.message, name, flags) : error
  }
  return entry === undefined ? 0 : code
}

/** A group's commands, each by its second word. */
const membersOf = (group: string): [string, Entry][] =>
  Object.entries(commands).flatMap(([key, entry]) =>
    key.startsWith(`${group} `) ? [[key.slice(group.length + 1), entry]] : [],
  )

/** `ner` or `ner data`: to be asked what there is. */
const isGroupOnly = (argv: readonly string[]) => argv.length === 0 || (argv.length === 1 && argv[0]! in groups)

/** The key of the command that the line starts with, or '' where it asks for help or the version. */
function commandName([first = '--help', second = '--help']: readonly string[]): string {
  if (first.startsWith('-')) return ''
  if (Object.hasOwn(groups, first)) {
    if (second.startsWith('-')) return ''
    const words = membersOf(first).map(([word]) => word)
    if (words.includes(second)) return `${first} ${second}`
    throw badUsage(
      `There is no command ${first} ${second}.`,
      didYouMean(nearest(second, words)) ?? `ner ${first} --help says what there is.`,
    )
  }
  if (Object.hasOwn(commands, first)) return first
  const words = Object.keys(commands).map((key) => key.split(' ')[0]!)
  throw badUsage(`There is no command ${first}.`, didYouMean(nearest(first, words)) ?? seeHelp)
}

/** Flags that take all that follows, up to the next flag. Settings come one at a time: after `--set a=1` an input may follow. */
const listsOf = (options: Readonly<Record<string, Options>>) =>
  Object.keys(options).filter((key) => key !== 'set' && options[key]!.array === true)

/** `--compare A B` as `--compare A --compare B`, where `compare` is a list: else B would be an input. */
function withFlags(argv: readonly string[], lists: readonly string[]): string[] {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  let list: string | undefined
  let values = 0
  const flagged = argv.slice(0, end).flatMap((word) => {
    if (word.length > 1 && word.startsWith('-')) {
      list = lists.find((key) => word === `--${key}`)
      values = 0
      return [word]
    }
    return list !== undefined && values++ > 0 ? [`--${list}`, word] : [word]
  })
  return [...flagged, ...argv.slice(end)]
}

/** Every flag that is not a switch needs a value; yargs would take a missing one as empty. */
const withValues = (options: Readonly<Record<string, Options>>) =>
  Object.fromEntries(
    Object.entries(options).map(([key, option]) => [key, { requiresArg: option.type !== 'boolean', ...option }]),
  )

/** What yargs lets pass: a number that is none, a flag given twice. */
function checkValues(options: Readonly<Record<string, Options>>, args: Readonly<Record<string, unknown>>): void {
  for (const [key, option] of Object.entries(options)) {
    if (Array.isArray(args[key]) && option.array !== true) throw badUsage(`--${key} is given twice.`)
    if (option.type === 'number' && Number.isNaN(args[key])) throw badUsage(`--${key} takes a number.`)
  }
}

/** What follows `--` belongs to the command's list of inputs, whatever it begins with. */
function withRest<T extends object>(positionals: Readonly<Record<string, Options>>, args: T): T {
  const { '--': rest = [], ...own } = args as T & { '--'?: readonly string[] }
  if (rest.length === 0) return args
  const list = Object.keys(positionals).find((key) => positionals[key]!.array === true)
  if (list === undefined) throw badUsage('This command takes nothing after --.')
  const given = (own as Record<string, unknown>)[list] as readonly string[] | undefined
  return { ...own, [list]: [...(given ?? []), ...rest] } as unknown as T
}

/** yargs' words for the commonest slips, which are for programmers, in ours. */
const strings: Record<string, string> = {
  'Not enough arguments following: %s': '--%s needs a value',
  'Arguments %s and %s are mutually exclusive': '--%s and --%s exclude each other',
  'Invalid values:': 'A value is wrong:',
  'Argument: %s, Given: %s, Choices: %s': '--%s is %s, but takes %s',
}

/** yargs' message in our form, with the flag that was probably meant. */
function usageError(message: string, command: string, flags: readonly string[]): NerError {
  const entry = commands[command]
  const usage = entry === undefined ? seeHelp : `ner ${command} --help says what there is.`
  if (entry !== undefined && message.startsWith('Not enough non-option arguments')) {
    return badUsage(`An argument is missing: ner ${command} ${entry.takes}`, usage)
  }
  if (!message.startsWith('Unknown argument')) return badUsage(`${message.trim().replace(/\s*\n\s*/g, ' ')}.`, usage)
  // A text such as “- and so on” is read as flags of one letter, the first of them a blank.
  const unknown = /^Unknown arguments?: (\S+?)(?:,|$)/.exec(message)?.[1] ?? '-'
  const flag = nearest(unknown, flags)
  const listed = entry?.takes.includes('..') === true
  const mend = listed ? `What begins with a dash and is no flag goes after --. ${usage}` : usage
  return badUsage(`There is no flag or argument ${unknown} here.`, didYouMean(flag && `--${flag}`) ?? mend)
}

const badUsage = (what: string, mend: string = seeHelp) => new NerError('usage/bad-flag', what, { mend })
const didYouMean = (word: string | undefined) => (word === undefined ? undefined : `Did you mean ${word}?`)
const seeHelp = 'ner --help and ner COMMAND --help say what there is.'

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
