import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { z } from 'zod'
import { claimOutput } from '../io/claim.js'
import { lockFolder } from '../io/lock.js'
import { linkFiles, realFolder, replaceFolder, restoreFolder } from '../io/replace.js'
import { beforeSignals, removeTemporary, temporaryIn } from '../io/temporary.js'
import { moveFile, unwritable } from '../io/write.js'
import type { StoredFile } from './manifest.js'

/** A place to make files in before any of them is to be seen. */
export interface Stage {
  readonly folder: string
  /**
   * Puts the files where they belong. A folder of their own is replaced as a whole, with what is in it that no export wrote.
   * Added to a model's own files, each graph is whole by itself, and the manifest comes last: until then the one of before
   * says what there may be.
   */
  publish(files: readonly string[]): void
  /** Leaves nothing behind but what was published. */
  close(): void
}

/** What an export says of itself. */
export const manifestFile = 'manifest.json'

/** What is read of an export's manifest; its files are in its folder. */
const exported = z.object({
  graphs: z.array(z.unknown()),
  files: z.array(
    z.object({
      path: z.string().refine((path) => !path.split(/[\\/]/).includes('..')),
      bytes: z.number(),
      sha256: z.string(),
    }),
  ),
})

/** The files of the export that a folder holds, as its manifest has them; undefined where it holds none. */
export function readManifest(folder: string): readonly StoredFile[] | undefined {
  try {
    return exported.parse(JSON.parse(readFileSync(join(folder, manifestFile), 'utf8'))).files
  } catch {
    return undefined
  }
}

const exportedFiles = (folder: string) => readManifest(folder)?.map(({ path }) => path)

/**
 * Opens a stage: beside the folder that the files will be, which then takes its place at once; or within it, where they
 * are added to the files of the model that is exported, `own`, or where the folder cannot be renamed. A folder with another model in it is refused, unless it holds
 * an export of before and nothing else. A signal that ends the process closes the stage first.
 *
 * @throws NerError `output/occupied`, `output/locked`, `file/*`
 */
export function openStage(path: string, own?: readonly string[]): Stage {
  restoreFolder(path)
  const isNew = !existsSync(path)
  const before = exportedFiles(path)
  // Beside what a run wrote, of training or quantization, an export is that model's own.
  const isExport =
    before !== undefined && !['model.safetensors', 'run.json'].some((name) => existsSync(join(path, name)))
  if (own === undefined && !isExport) claimOutput(path)
  const out = realFolder(path)
  const isReplaced = own === undefined && canReplace(out)
  // What is replaced at once needs none: of two exports the later stays, whole.
  const lock = isReplaced ? undefined : lockFolder(out)
  const name = isReplaced ? `${basename(out)}.export` : 'export'
  const place = isReplaced ? dirname(out) : out
  const folder = makeTemporary(place, name, () => lock?.release())
  const close = () => {
    endSignals()
    removeTemporary(folder)
    lock?.release()
    if (isNew && existsSync(out) && readdirSync(out).length === 0) rmdirSync(out)
  }
  const endSignals = beforeSignals(close)
  const old = new Set(before)
  return {
    folder,
    publish(files) {
      try {
        if (isReplaced) {
          chmodSync(folder, statSync(out).mode)
          linkFiles(out, folder, (file) => file !== manifestFile && !old.has(file))
          replaceFolder(folder, out)
        } else moveInto(folder, out, files, (file) => old.has(file) && !own?.includes(file))
      } catch (error) {
        throw unwritable(path, error)
      }
    },
    close,
  }
}

/** Whether a folder can be renamed: not one that is mounted, that we are in, or whose parent is not ours to write. */
function canReplace(folder: string): boolean {
  const parent = dirname(folder)
  try {
    accessSync(parent, constants.W_OK)
  } catch {
    return false
  }
  const isWithin = !relative(folder, process.cwd()).startsWith('..')
  return statSync(folder).dev === statSync(parent).dev && !isWithin
}

/** Adds files to a folder, one by one, each at once; what an export of before had there alone is removed. */
function moveInto(from: string, to: string, files: readonly string[], isStale: (file: string) => boolean): void {
  const move = (file: string) => {
    moveFile(join(from, file), join(to, file))
  }
  files.forEach(move)
  const kept = new Set(files)
  for (const file of exportedFiles(to) ?? []) {
    if (isStale(file) && !kept.has(file)) rmSync(join(to, file), { force: true })
  }
  move(manifestFile)
}

function makeTemporary(place: string, name: string, onFailure: () => void): string {
  try {
    const folder = temporaryIn(place, name)
    mkdirSync(folder)
    return folder
  } catch (error) {
    onFailure()
    throw unwritable(place, error)
  }
}
