import { existsSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import type { z } from 'zod'
import { NerError } from '../errors.js'
import { parseHubName } from '../hub/name.js'
import { nearest } from '../nearest.js'
import { type Config, defaults, modelKeys, pathKeys, schema } from './schema.js'
import { parseYaml, readYaml } from './yaml.js'

type Path = readonly (string | number)[]

/** Where a value was written, to resolve its paths and to name it in a message. */
interface Source {
  readonly path: Path
  readonly value: unknown
  /** Paths in the value are relative to this folder. */
  readonly folder: string
  readonly where: (path: Path) => string
}

export interface ConfigSources {
  /** A YAML file. Its paths are relative to its own folder. */
  readonly file?: string | undefined
  /** `a.b=c`, the value in YAML, in order; they win over the file. Paths are relative to the current folder. */
  readonly set?: readonly string[]
  /** Values by dotted key, the strongest; `undefined` leaves a key alone. Paths are relative to the current folder. */
  readonly overrides?: Readonly<Record<string, unknown>>
}

/**
 * Reads a configuration: the defaults, under a file, under `--set` assignments, under flags.
 *
 * @throws NerError `file/unreadable`, `config/unknown-key` with the nearest key there is, `config/bad-value`
 */
export function loadConfig({ file, set = [], overrides = {} }: ConfigSources = {}): Config {
  const sources = [
    ...(file === undefined ? [] : [readSource(file)]),
    ...set.map(assignment),
    ...Object.entries(overrides)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ({ path: key.split('.'), value, folder: '.', where: () => key })),
  ]
  const tree: Record<string, unknown> = {}
  for (const source of sources) write(tree, source.path, withPaths(source), source.where)

  const result = schema.safeParse(tree)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))
  throw explain(issue, path, (key) => sources.findLast((source) => covers(source, key))?.where(key) ?? key.join('.'))
}

function explain(issue: z.core.$ZodIssue, path: Path, where: (path: Path) => string): NerError {
  if (issue.code !== 'unrecognized_keys') {
    return new NerError(
      'config/bad-value',
      `${path.join('.') || 'The configuration'} is wrong: ${issue.message.replace(/^Invalid input: /, '')}.`,
      {
        where: where(path),
        mend: 'configs/default.yaml says what each key takes.',
      },
    )
  }
  const key = [...path, issue.keys[0]!]
  const meant = nearestKey(key)
  return new NerError('config/unknown-key', `There is no key ${key.join('.')}.`, {
    where: where(key),
    mend: meant === undefined ? 'configs/default.yaml lists every key.' : `Did you mean ${meant}?`,
  })
}

/** The key of that name elsewhere, else the one beside it that is spelled nearly like it, else any that is. */
function nearestKey(path: Path): string | undefined {
  const name = String(path.at(-1))
  const parent = path.slice(0, -1).join('.')
  const keys = dottedEntries(defaults).map(([key]) => key)
  const named = (candidates: string[], name: string | undefined) => candidates.find((key) => nameOf(key) === name)
  const nearly = (candidates: string[]) => named(candidates, nearest(name, candidates.map(nameOf)))
  return named(keys, name) ?? nearly(keys.filter((key) => parentOf(key) === parent)) ?? nearly(keys)
}

const nameOf = (key: string) => key.slice(key.lastIndexOf('.') + 1)
const parentOf = (key: string) => key.slice(0, Math.max(0, key.lastIndexOf('.')))

/** Every key of a configuration under its dotted name, those that hold others before them. */
export const dottedEntries = (tree: object, prefix = ''): [key: string, value: unknown][] =>
  Object.entries(tree).flatMap(([key, value]: [string, unknown]) => [
    [prefix + key, value],
    ...(isTree(value) ? dottedEntries(value, `${prefix}${key}.`) : []),
  ])

export const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function readSource(file: string): Source {
  return { path: [], folder: dirname(file), ...readYaml(file, 'configs/default.yaml') }
}

function assignment(text: string): Source {
  const at = text.indexOf('=')
  const key = text.slice(0, at).trim()
  if (at < 1 || key.split('.').includes('')) {
    throw new NerError('usage/bad-option', `A setting is key=value, not '${text}'.`, {
      where: `\`set\` ${text}`,
      mend: 'For example: `set` training.epochs=5',
    })
  }
  const where = `\`set\` ${text}`
  if (key.split('.').includes('__proto__'))
    throw new NerError('config/unknown-key', `There is no key ${key}.`, { where })
  const mend = `A text with signs in it goes in quotes, and those in quotes for the shell: \`set\` '${key}="…"'.`
  const { value } = parseYaml(text.slice(at + 1), () => where, mend)
  return { path: key.split('.'), value, folder: '.', where: () => where }
}

/** Whether a source says anything about a key, or about a part of its value. */
function covers(source: Source, key: Path): boolean {
  const depth = Math.min(source.path.length, key.length)
  if (!source.path.slice(0, depth).every((step, i) => step === key[i])) return false
  let value = source.value
  for (const step of key.slice(source.path.length)) {
    if (typeof value !== 'object' || value === null || !(step in value)) return false
    value = (value as Record<string | number, unknown>)[step]
  }
  return true
}

/**
 * Resolves the paths of a value against the folder of its source, as seen from the current folder. What is no folder there
 * may be a model's name on the hub, which is left as it is.
 */
function withPaths(source: Source): unknown {
  const seenFromHere = (path: string) =>
    isAbsolute(path) ? path : relative(process.cwd(), resolve(source.folder, path)) || '.'
  const folderOrName = (path: string) => {
    const isName = parseHubName(path) !== undefined
    if (isName && !existsSync(resolve(source.folder, path))) return path
    const seen = seenFromHere(path)
    // What was written as a path stays one: ./runs/ner is not the model ner of somebody called runs.
    return !isName && parseHubName(seen) !== undefined ? `./${seen}` : seen
  }
  const locate: Readonly<Record<string, (path: string) => string>> = {
    ...Object.fromEntries(pathKeys.map((key) => [key, seenFromHere])),
    ...Object.fromEntries(modelKeys.map((key) => [key, folderOrName])),
  }
  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return locate[key]?.(value) ?? value
    if (Array.isArray(value)) return value.map((item) => walk(item, key))
    if (!isTree(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, walk(inner, key === '' ? name : `${key}.${name}`)]),
    )
  }
  return walk(source.value, source.path.join('.'))
}

/** Writes a value over a tree: maps are merged key by key, anything else is replaced. */
function write(tree: Record<string, unknown>, path: Path, value: unknown, where: Source['where']): void {
  const [step, ...rest] = path
  if (step === undefined) {
    for (const [key, inner] of Object.entries(value as object)) {
      const there = Object.hasOwn(tree, key) ? tree[key] : undefined
      if (isTree(inner) && isTree(there)) write(there, [], inner, where)
      else tree[key] = inner
    }
  } else if (rest.length === 0) {
    tree[step] = value
  } else {
    const inner = (Object.hasOwn(tree, step) ? tree[step] : undefined) ?? (tree[step] = {})
    if (!isTree(inner)) {
      throw new NerError('config/bad-value', `${step} is a value; it has no key ${rest.join('.')}.`, {
        where: where(path),
        mend: 'configs/default.yaml lists every key.',
      })
    }
    write(inner, rest, value, where)
  }
}
