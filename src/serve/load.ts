import { dirname, isAbsolute, join } from 'node:path'
import type { z } from 'zod'
import { readYaml } from '../config/yaml.js'
import { isAddress } from './lists/fetch.js'
import { listSchema, overridesSchema } from './lists/settings.js'
import { NerError } from '../errors.js'
import { nearest } from '../nearest.js'
import { serveSchema, type ServeSettings } from './settings.js'

/** What stands over a configuration's keys; `undefined` leaves a key alone. */
export type ServeOverrides = Readonly<Partial<Record<'model' | 'host' | 'port' | 'token', string | number | undefined>>>

const example = 'configs/serve.yaml'

/** Keys that hold paths, which are relative to the file that they stand in. */
const pathKeys = ['model'] as const

/**
 * The settings of a server: defaults, under a file, under overrides.
 *
 * @throws NerError `file/unreadable`, `config/unknown-key` with the nearest there is, `config/bad-value`
 */
export function loadServeSettings(file: string | undefined, overrides: ServeOverrides = {}): ServeSettings {
  const read = file === undefined ? undefined : readYaml(file, example)
  const tree: Record<string, unknown> = { ...read?.value }
  for (const key of pathKeys) {
    const path = tree[key]
    if (typeof path === 'string' && !isAbsolute(path)) tree[key] = join(dirname(file!), path)
  }
  const seen = (path: string) => (isAbsolute(path) || isAddress(path) ? path : join(dirname(file!), path))
  for (const section of [tree['overrides'], ...Object.values((tree['lists'] ?? {}) as Record<string, unknown>)]) {
    const own = section as { source?: unknown } | null | undefined
    if (typeof own?.source === 'string') own.source = seen(own.source)
  }
  for (const [key, value] of Object.entries(overrides)) if (value !== undefined) tree[key] = value
  const result = serveSchema.safeParse(tree)
  if (result.success) return result.data
  throw explain(result.error.issues[0]!, (path) => read?.where(path) ?? path.join('.'))
}

type Path = readonly (string | number)[]

function explain(issue: z.core.$ZodIssue, where: (path: Path) => string): NerError {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!
    const meant = nearest(key, keysAt(path))
    return new NerError('config/unknown-key', `There is no key ${[...path, key].join('.')}.`, {
      where: where([...path, key]),
      mend: meant === undefined ? `${example} lists every key.` : `Did you mean ${meant}?`,
    })
  }
  const what = issue.message.replace(/^Invalid input: /, '')
  return new NerError('config/bad-value', `${path.join('.') || 'The configuration'} is wrong: ${what}.`, {
    where: where(path),
    mend: `${example} says what each key takes.`,
  })
}

function keysAt([section]: Path): string[] {
  if (section === undefined) return Object.keys(serveSchema.shape)
  if (section === 'lists') return Object.keys(listSchema.shape)
  if (section === 'overrides') return Object.keys(overridesSchema.shape)
  const inner = serveSchema.shape[section as 'batch']
  return Object.keys(inner.unwrap().shape)
}
