import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { claimOutput, unwritable } from '../files.js'

/** A place to make files in before any of them is to be seen. */
export interface Stage {
  readonly folder: string
  /** Moves files to where they belong, in this order. */
  publish(files: readonly string[]): void
  /** Leaves nothing behind but what was published. */
  close(): void
}

/** Whether a folder holds an export and nothing else: beside a trained model the export is that model's own. */
function isExport(folder: string): boolean {
  if (existsSync(join(folder, 'model.safetensors'))) return false
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
    return typeof manifest === 'object' && manifest !== null && 'graphs' in manifest
  } catch {
    return false
  }
}

/**
 * Opens a stage in the folder that the files will be in: on the same file system a file is moved whole or not at all. A
 * folder with another model in it is refused, unless it is `own` or an export of before.
 *
 * @throws NerError `output/occupied`, `file/*`
 */
export function openStage(out: string, own: boolean): Stage {
  const isNew = !existsSync(out)
  if (!own && !isExport(out)) claimOutput(out)
  const folder = join(out, `.export.${randomBytes(6).toString('hex')}.tmp`)
  try {
    mkdirSync(folder)
  } catch (error) {
    throw unwritable(out, error)
  }
  return {
    folder,
    publish(files) {
      for (const file of files) {
        const target = join(out, file)
        try {
          mkdirSync(dirname(target), { recursive: true })
          renameSync(join(folder, file), target)
        } catch (error) {
          throw unwritable(target, error)
        }
      }
    },
    close() {
      rmSync(folder, { recursive: true, force: true })
      if (isNew && readdirSync(out).length === 0) rmdirSync(out)
    },
  }
}
