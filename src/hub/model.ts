import { existsSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { NerError } from '../errors.js'
import { unwritable, writeFileAtomically } from '../io/write.js'
import { isCommit, lookUp, type RemoteFile, type Repository } from './api.js'
import { downloadBlob } from './download.js'
import { isUnreachable, notCached, placeOf } from './errors.js'
import { isOnHub, parseHubName, type HubName } from './name.js'
import { hubSettings } from './settings.js'
import type { Job } from '../job.js'

/** What a model is wanted for: to start a training from, to tag with, or, with its weights too, to teach. */
export type Purpose = 'encoder' | 'tagger' | 'teacher'

/** How far the download of a model's file is. */
export interface DownloadEvent {
  readonly kind: 'download'
  /** `org/name@revision` */
  readonly model: string
  readonly file: string
  readonly received: number
  readonly size: number
}

/**
 * Finds the folder of a model: a path as it is, else a name on the hub, `org/name[@revision]`, whose files are downloaded
 * into the cache that Python's huggingface_hub has too, in its layout: `blobs/` by hash, `refs/` from branches to commits,
 * `snapshots/` by commit, of links to blobs. What is there already is not downloaded again. A path that is neither comes
 * back as it is, for its reader to complain of.
 *
 * Heeds `HF_HOME`, `HF_HUB_CACHE`, `HF_TOKEN`, `HF_ENDPOINT` and `HF_HUB_OFFLINE`. Without a network, what the cache has
 * is used.
 *
 * @throws NerError `hub/*`, `file/unwritable`, `file/disk-full`
 */
export async function* locateModel(path: string, purpose: Purpose): Job<string, DownloadEvent> {
  const hub = isOnHub(path) ? parseHubName(path) : undefined
  if (hub === undefined) return path
  const { getHFHubCachePath, getRepoFolderName } = await import('@huggingface/hub')
  const cache = join(getHFHubCachePath(), getRepoFolderName({ type: 'model', name: hub.name }))
  const snapshot = (commit: string) => join(cache, 'snapshots', commit)

  const known = knownCommit(cache, hub.revision)
  const cached = known !== undefined && isComplete(snapshot(known), purpose) ? snapshot(known) : undefined
  // A commit never changes.
  if (cached && (hubSettings().offline || isCommit(hub.revision))) return cached
  if (hubSettings().offline) throw notCached(hub, cache)
  let repository: Repository
  try {
    repository = await lookUp(hub)
  } catch (error) {
    if (cached && isUnreachable(error)) return cached
    throw error
  }
  const { commit, files } = repository
  const folder = snapshot(commit)
  checkFiles(hub, files, purpose)
  for (const name of [...optionalFiles, ...requiredFiles[purpose]]) yield* get(name)
  if (purpose !== 'encoder') {
    const graph = servedGraph(folder)
    // A graph over 2 GiB has its weights beside it.
    yield* get(`${graph}_data`)
    yield* get(graph)
  }
  if (commit !== hub.revision) writeFileAtomically(join(cache, 'refs', hub.revision), commit)
  return folder

  async function* get(name: string): AsyncGenerator<DownloadEvent> {
    const remote = files.get(name)
    const pointer = join(folder, name)
    if (remote === undefined || existsSync(pointer)) return
    const blob = join(cache, 'blobs', remote.etag)
    const event = { kind: 'download', model: placeOf(hub!), file: name, size: remote.size } as const
    if (!existsSync(blob)) for await (const received of downloadBlob(hub!, remote, blob)) yield { ...event, received }
    await link(blob, pointer)
  }
}

/** An encoder that has a ner.json is a trained model, whose head a student can start from. */
const optionalFiles = ['tokenizer_config.json', 'special_tokens_map.json', 'ner.json']

/** In the order of their download: the largest last, so that with it a snapshot is complete. */
const requiredFiles: Readonly<Record<Purpose, readonly string[]>> = {
  encoder: ['config.json', 'tokenizer.json', 'model.safetensors'],
  tagger: ['config.json', 'tokenizer.json', 'ner.json'],
  teacher: ['config.json', 'tokenizer.json', 'ner.json', 'model.safetensors'],
}

/** The graph that `ner.json` names; whether it may is for its reader to say. */
function servedGraph(folder: string): string {
  const { graph } = JSON.parse(readFileSync(join(folder, 'ner.json'), 'utf8')) as { graph?: unknown }
  return typeof graph === 'string' && /^onnx\/[\w.-]+$/.test(graph) ? graph : 'onnx/model.onnx'
}

function isComplete(folder: string, purpose: Purpose): boolean {
  const has = (name: string) => existsSync(join(folder, name))
  return requiredFiles[purpose].every(has) && (purpose === 'encoder' || has(servedGraph(folder)))
}

/** The commit that the cache knows a revision by. */
function knownCommit(cache: string, revision: string): string | undefined {
  if (isCommit(revision)) return revision
  try {
    return readFileSync(join(cache, 'refs', revision), 'utf8').trim()
  } catch {
    return undefined
  }
}

/** A relative link, as Python makes it, so that a cache can be moved; a copy where there are none, as on some Windows. */
async function link(blob: string, pointer: string): Promise<void> {
  try {
    await mkdir(dirname(pointer), { recursive: true })
    await symlink(relative(dirname(pointer), blob), pointer).catch(async (error: unknown) => {
      if (!existsSync(pointer)) await copyFile(blob, pointer)
      else if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    })
  } catch (error) {
    throw unwritable(pointer, error)
  }
}

/** @throws NerError `hub/unusable` */
function checkFiles(hub: HubName, files: ReadonlyMap<string, RemoteFile>, purpose: Purpose): void {
  const lacking = requiredFiles[purpose].find((name) => !files.has(name))
  if (lacking === undefined) return
  const { what, mend } = explainLack(lacking, hub, [...files.keys()])
  throw new NerError('hub/unusable', `${hub.name} ${what}`, { where: placeOf(hub), mend })
}

function explainLack(lacking: string, { name }: HubName, files: readonly string[]): { what: string; mend: string } {
  const resave = (kind: string) =>
    `Save it again in Python, ${kind}.from_pretrained('${name}').save_pretrained('folder'), and use that folder.`
  if (lacking === 'tokenizer.json') {
    return { what: 'has no tokenizer.json.', mend: resave('AutoTokenizer') }
  }
  if (lacking === 'ner.json') {
    return {
      what: 'has no ner.json: it is no model of ner train.',
      mend: `Train from it: ner train with \`model\` ${name}`,
    }
  }
  if (lacking === 'model.safetensors') {
    if (files.includes('model.safetensors.index.json')) {
      return { what: 'has its weights in several files, which are not read.', mend: 'Take a smaller model.' }
    }
    const pickle = files.find((file) => /\.(bin|pt|pth|ckpt|pkl)$/.test(file))
    if (pickle !== undefined) {
      return {
        what: `has its weights as a pickle only, ${pickle}: a program that runs when it is read, so it is not.`,
        mend: resave('AutoModel'),
      }
    }
  }
  return { what: `has no ${lacking}.`, mend: 'Take a model in the layout of transformers.' }
}
