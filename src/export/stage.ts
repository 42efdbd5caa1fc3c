import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { claimOutput } from '../io/claim.js'
import { moveFile, unwritable } from '../io/write.js'

/** A place to make files in before any of them is to be seen. */
export interface Stage {
  readonly folder: string
  /**
   * Moves files to where they belong, in this order, removes those that only an export of before has there, and moves the
   * manifest last: until then the one of before says what there may be.
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
  files: z.array(z.object({ path: z.string().refine((path) => !path.split(/[\\/]/).includes('..')) })),
})

/** The files of the export that a folder holds; undefined where it holds none. */
function exportedFiles(folder: string): readonly string[] | undefined {
  try {
    const { files } = exported.parse(JSON.parse(readFileSync(join(folder, manifestFile), 'utf8')))
    return files.map(({ path }) => path)
  } catch {
    return undefined
  }
}

/**
 * Opens a stage in the folder that the files will be in: on the same file system a file is moved whole or not at all. A
 * folder with another model in it is refused, unless it holds an export of before and nothing else, or is the model's that
 * is exported, of which `own` are the files. A signal that ends the process closes the stage first.
 *
 * @throws NerError `output/occupied`, `file/*`
 */
export function openStage(out: string, own?: readonly string[]): Stage {
  const isNew = !existsSync(out)
  const before = exportedFiles(out)
  // Beside what a run wrote, of training or quantization, an export is that model's own.
  const isExport =
    before !== undefined && !['model.safetensors', 'run.json'].some((name) => existsSync(join(out, name)))
  if (own === undefined && !isExport) claimOutput(out)
  const folder = join(out, `.export.${randomBytes(6).toString('hex')}.tmp`)
  try {
    mkdirSync(folder)
  } catch (error) {
    throw unwritable(out, error)
  }
  const move = (file: string) => {
    moveFile(join(folder, file), join(out, file))
  }
  const close = () => {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    rmSync(folder, { recursive: true, force: true })
    if (isNew && existsSync(out) && readdirSync(out).length === 0) rmdirSync(out)
  }
  const interrupted = (signal: NodeJS.Signals) => {
    close()
    process.kill(process.pid, signal)
  }
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted)
  return {
    folder,
    publish(files) {
      files.forEach(move)
      const kept = new Set([...files, ...(own ?? [])])
      try {
        for (const file of before ?? []) if (!kept.has(file)) rmSync(join(out, file), { force: true })
      } catch (error) {
        throw unwritable(out, error)
      }
      move(manifestFile)
    },
    close,
  }
}
