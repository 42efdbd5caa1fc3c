import { writeFileAtomically } from '../io/write.js'

/** Writes a value as people and programs read it. @throws NerError `file/disk-full`, `file/unwritable` */
export function writeJson(path: string, value: unknown): void {
  writeFileAtomically(path, `${JSON.stringify(value, null, 2)}\n`)
}
