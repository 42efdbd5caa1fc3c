import { readFileSync } from 'node:fs'
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { NerError } from '../errors.js'
import { unreadable } from '../io/open.js'

/** A YAML file's keys and values, with the lines they stand on. */
export interface YamlFile {
  readonly value: Readonly<Record<string, unknown>>
  /** File and line of the deepest key or item of a path that the file has. */
  readonly where: (path: readonly (string | number)[]) => string
}

/**
 * Reads a configuration file. `example` says where a user sees the right form, e.g. `configs/default.yaml`.
 *
 * @throws NerError `file/unreadable`, `config/bad-value` with the line where it is not YAML or not a map
 */
export function readYaml(file: string, example: string): YamlFile {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw unreadable(file, cause)
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const [error] = document.errors
  if (error !== undefined) {
    throw new NerError('config/bad-value', `This is not YAML: ${error.message.split('\n')[0]!.replace(/:$/, '')}.`, {
      where: `${file}:${lines.linePos(error.pos[0]).line}`,
      mend: `Mend the line; ${example} shows the form.`,
    })
  }
  const value: unknown = document.toJS()
  if (value !== null && !isMap(document.contents)) {
    throw new NerError('config/bad-value', 'A configuration is a list of keys and values, and this is not.', {
      where: file,
      mend: `${example} shows the form.`,
    })
  }
  return {
    value: (value ?? {}) as Record<string, unknown>,
    where: (path) => `${file}:${lineOf(document, lines, path)}`,
  }
}

function lineOf(document: Document, lines: LineCounter, path: readonly (string | number)[]): number {
  let node: unknown = document.contents
  let offset = 0
  for (const step of path) {
    let place: unknown
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step)
      place = pair?.key
      node = pair?.value
    } else if (isSeq(node)) place = node = node.items[step as number]
    if (!isNode(place) || !place.range) break
    offset = place.range[0]
  }
  return lines.linePos(offset).line
}
