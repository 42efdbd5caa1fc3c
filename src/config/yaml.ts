import { readFileSync } from 'node:fs'
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
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
  const { document, lines, value } = parseYaml(
    text,
    (line) => `${file}:${line}`,
    `Mend the line; ${example} shows the form.`,
  )
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

/**
 * Text in YAML as plain values. Anchors and aliases are read; what YAML can say beyond maps, lists and scalars is not.
 *
 * @throws NerError `config/bad-value`, `config/unknown-key` for the key `__proto__`
 */
export function parseYaml(text: string, where: (line: number) => string, mend: string) {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'error' })
  const placeOf = (offset: number) => where(lines.linePos(offset).line)
  const [error] = document.errors
  if (error !== undefined) {
    throw new NerError('config/bad-value', `This is not YAML: ${error.message.split('\n')[0]!.replace(/:$/, '')}.`, {
      where: placeOf(error.pos[0]),
      mend,
    })
  }
  checkNodes(document, placeOf)
  try {
    const value: unknown = document.toJS()
    return { document, lines, value }
  } catch (cause) {
    // More than a hundred copies of one value.
    throw new NerError('config/bad-value', 'Aliases stand for more values than a configuration can hold.', {
      where: where(1),
      mend: 'Write the values out.',
      cause,
    })
  }
}

const knownTags = ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((name) => `tag:yaml.org,2002:${name}`)

/** Refuses what cannot become plain values, where it stands. */
function checkNodes(document: Document, placeOf: (offset: number) => string): void {
  const refuse = (node: { readonly range?: readonly [number, ...number[]] | null }, what: string, mend: string) =>
    new NerError('config/bad-value', what, { where: placeOf(node.range?.[0] ?? 0), mend })
  visit(document, {
    Alias(_, alias, ancestors) {
      const { source } = alias
      const target = alias.resolve(document)
      if (target === undefined) {
        const what = `*${source} stands for a value that was named &${source} before, and none was.`
        throw refuse(alias, what, `Text that begins with * goes in quotes: '*${source}'.`)
      }
      if (ancestors.includes(target)) {
        throw refuse(alias, `*${source} stands for a value that it is part of.`, 'Write the value out.')
      }
    },
    Node(_, node) {
      if (node.tag === undefined || knownTags.includes(node.tag)) return
      const name = node.tag.replace('tag:yaml.org,2002:', '!!')
      throw refuse(node, `The tag ${name} is not read.`, 'Write plain maps, lists, texts, numbers and truth values.')
    },
    Pair(_, { key }) {
      if (!isScalar(key) || key.value !== '__proto__') return
      throw new NerError('config/unknown-key', 'There is no key __proto__.', { where: placeOf(key.range?.[0] ?? 0) })
    },
  })
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
