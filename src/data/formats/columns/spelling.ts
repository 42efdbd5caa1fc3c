/*
 * How tags are written. Whatever a file writes becomes `O`, or a prefix of B, I, E, S, L, U, a dash and a label.
 */

/** Each spelling, and how a cell of it is read; undefined for a cell that is none. */
const readers = {
  /** B-PER. M and W are what B-M-E-S and B-M-E-W-O have for I and S. */
  plain: (cell: string) =>
    cell === 'O' ? 'O' : /^[BIESLUMW]-[^]+$/.test(cell) ? `${standard(cell[0]!)}-${cell.slice(2)}` : undefined,
  /** b-per, o */
  lower: (cell: string) =>
    /^[oO]$/.test(cell)
      ? 'O'
      : /^[bieslumw]-[^]+$/.test(cell)
        ? `${standard(cell[0]!.toUpperCase())}-${cell.slice(2)}`
        : undefined,
  /** PER-B */
  suffix: (cell: string) =>
    cell === 'O' ? 'O' : /^[^]+-[BIESLUMW]$/.test(cell) ? `${standard(cell.at(-1)!)}-${cell.slice(0, -2)}` : undefined,
  /** CoNLL-U's MISC: SpaceAfter=No|name=B-PER */
  misc: (cell: string) => {
    if (cell === '_') return 'O'
    const pairs = cell.split('|')
    if (!pairs.every((pair) => /^[^=]+=/.test(pair))) return undefined
    const tags = pairs.flatMap((pair) => readers.plain(pair.slice(pair.indexOf('=') + 1)) ?? [])
    return tags[0] ?? 'O'
  },
  /** OntoNotes: (PERSON* *), one cell a word. Arguments of verbs are written so, too. */
  brackets: (cell: string) =>
    /^(\((?!(?:V|[CR]-)?(?:ARG|V\b))[^()*]+)?\*\)?$|^\((?!V\))[^()*]+\)$|^-$/.test(cell) ? cell : undefined,
} as const

export type TagSpelling = keyof typeof readers

export const spellings = Object.keys(readers) as TagSpelling[]

const standard = (prefix: string) => (prefix === 'M' ? 'I' : prefix === 'W' ? 'S' : prefix)

/** A cell's tag, or the cell as it is where it is none: the reader says so. White space around it is no part of a tag. */
export function readTag(cell: string, spelling: TagSpelling): string {
  const trimmed = cell.replace(/^[\s\u200B\u2060]+|[\s\u200B\u2060]+$/gu, '')
  return readers[spelling](trimmed) ?? trimmed
}

/** The tags of a sentence of bracketed cells. */
export function tagsOfBrackets(cells: readonly string[]): string[] {
  let open: string | undefined
  return cells.map((cell) => {
    const begun = /^\(([^()*]+)/.exec(cell)?.[1]
    const tag = begun === undefined ? (open === undefined ? 'O' : `I-${open}`) : `B-${begun}`
    open = cell.endsWith(')') ? undefined : (begun ?? open)
    return tag
  })
}

/** The spelling of a column whose cells are tags, but for a few; undefined where they are none. */
export function spellingOf(cells: readonly string[], mostly: number): TagSpelling | undefined {
  if (cells.length === 0) return undefined
  const share = (spelling: TagSpelling) =>
    cells.filter((cell) => readers[spelling](cell.trim()) !== undefined).length / cells.length
  // Empty MISC columns are no tags, and one key without a tag is none either.
  return spellings.find(
    (spelling) =>
      share(spelling) >= mostly &&
      (spelling !== 'misc' || cells.some((cell) => readers.misc(cell) !== 'O' && readers.misc(cell) !== undefined)) &&
      (spelling !== 'brackets' || cells.some((cell) => cell.startsWith('('))),
  )
}
