import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { sourceSections } from '../../sources/config.js'
import { prepare, type Prepared } from '../../sources/prepare.js'
import { fetchIfChanged, isAddress, type Seen } from './fetch.js'
import { type ExactTexts, readOverrides } from './overrides.js'
import type { ListSettings, OverridesSettings } from './settings.js'

/** A list to be read, or the overrides. */
export type Wanted =
  | { readonly kind: 'list'; readonly name: string; readonly settings: ListSettings }
  | { readonly kind: 'overrides'; readonly name: string; readonly settings: OverridesSettings }

/** What was read, ready to be searched with; threads share it without a copy. */
export interface Loaded {
  readonly seen: Seen
  /** The names, where there are any. */
  readonly names?: Prepared
  readonly exact?: ExactTexts
}

/**
 * Reads a list, or nothing where it has not changed.
 *
 * @throws NerError `serve/bad-list`, and as `prepare` of sources
 */
export async function loadList(wanted: Wanted, last: Seen | undefined): Promise<Loaded | undefined> {
  const fetched = await fetchIfChanged(wanted.settings, last)
  if (fetched === undefined) return undefined
  const { bytes, ...seen } = fetched
  if (wanted.kind === 'overrides') {
    const { exact, surfaces } = readOverrides(bytes, wanted.settings.source)
    if (surfaces.length === 0) return { seen, exact }
    const rows = surfaces.map((row) => `${JSON.stringify(row)}\n`).join('')
    return { seen, exact, names: await namesOf(wanted.name, Buffer.from(rows), 'overrides.jsonl', {}) }
  }
  const { source, policy: _, refresh_s: _r, max_bytes: _m, checksum: _c, ...spelling } = wanted.settings
  return { seen, names: await namesOf(wanted.name, bytes, fileName(source), spelling) }
}

/** The last part of a path or address: its ending tells the format. */
function fileName(source: string): string {
  const path = isAddress(source) ? new URL(source).pathname : source
  return path.split('/').at(-1)!
}

/** A copy of our own is read, which nobody replaces meanwhile. */
async function namesOf(name: string, bytes: Uint8Array, file: string, spelling: object): Promise<Prepared> {
  const folder = await mkdtemp(join(tmpdir(), 'ner-list-'))
  try {
    const path = join(folder, file)
    await writeFile(path, bytes)
    const config = z.strictObject(sourceSections).parse({
      labels: ['any'],
      functions: { [name]: { kind: 'knowledge_base', files: [path], ...spelling } },
    })
    return await prepare({ config, where: () => name }, { anyLabel: true })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
