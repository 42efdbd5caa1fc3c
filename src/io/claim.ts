import { readdirSync } from 'node:fs'
import { NerError } from '../errors.js'
import { makeFolder } from './folder.js'
import { unwritable } from './write.js'

/** The files a run leaves in its output folder; any of them there means that the folder is taken. */
const runMarks = ['run.json', 'trainer_state.json', 'train.log.jsonl', 'config.json', 'model.safetensors', 'checkpoint']

/** What a run that was stopped leaves of them. */
const resumable = ['train.log.jsonl', 'checkpoint']

/**
 * Makes an output folder for a new run. An absent or empty folder is taken as it is, and so is one with files of other
 * kinds; one that holds a run is refused, unless that run is to be resumed.
 *
 * @throws NerError `output/occupied`, `training/no-checkpoint` for a model that no run can go on from, `file/unwritable`
 */
export function claimOutput(folder: string, options: { readonly resume?: boolean } = {}): void {
  try {
    makeFolder(folder)
    const names = readdirSync(folder)
    const mark = names.find((name) => runMarks.includes(name))
    if (mark === undefined) return
    if (options.resume === true) {
      if (names.some((name) => resumable.includes(name))) return
      throw new NerError(
        'training/no-checkpoint',
        `The folder holds no run to resume, but a model: it has a ${mark}.`,
        {
          where: folder,
          mend: 'Name the folder of the run that was stopped, or another one, with `out`.',
        },
      )
    }
    throw new NerError('output/occupied', `The output folder holds another run: it has a ${mark}.`, {
      where: folder,
      mend: 'Name another folder with `out`, continue that run with `resume`, or remove the folder.',
    })
  } catch (error) {
    throw unwritable(folder, error)
  }
}
