import { goldLayer, type Document, type Token } from '../document.js'
import { readDocuments, type Corpus, type CorpusOptions } from '../read.js'
import type { Problem } from '../source.js'
import { inFile } from '../file-unit.js'
import { findWords } from '../../text/words.js'
import type { Finding } from './finding.js'
import { inconsistentSurfaces, spanFindings } from './spans.js'
import { repeatedTexts } from './texts.js'

export interface ValidateOptions extends Pick<CorpusOptions, 'format' | 'scheme' | 'offsetUnit'> {
  /** Labels with fewer spans than this are rare; 10 unless said. */
  readonly minLabelCount?: number
  /** Finds the words of a text that comes without; by our rules unless said. */
  readonly words?: (text: string) => readonly Token[]
}

/** A file, read as far as it can be, and everything that is wrong with it. */
export interface ValidatedFile {
  readonly path: string
  readonly corpus: Corpus
  readonly findings: readonly Finding[]
}

/**
 * Looks for what is wrong in labelled files: each by itself, and texts that are in several of them. Nothing stops at the
 * first mistake: rows that cannot be read are findings too.
 *
 * @throws NerError `file/unreadable`, `data/empty`, `data/unknown-format`, `data/unknown-scheme`
 */
export async function validate(paths: readonly string[], options: ValidateOptions = {}): Promise<ValidatedFile[]> {
  const { words = findWords, minLabelCount = 10, ...reading } = options
  const read: { path: string; corpus: Corpus; documents: readonly Document[]; problems: Problem[] }[] = []
  for (const path of paths) {
    const problems: Problem[] = []
    const corpus = await readDocuments(path, {
      ...reading,
      labels: 'optional',
      skipBad: true,
      onProblem: (problem) => void problems.push(problem),
    })
    read.push({ path, corpus, documents: corpus.documents, problems })
  }
  const repeated = repeatedTexts(read, goldLayer)
  return read.map(({ path, corpus, problems }) => ({
    path,
    corpus,
    findings: [
      ...corpus.rejects.map(({ where, what, mend = 'It is left out.' }): Finding => ({
        kind: 'row',
        file: path,
        where,
        what,
        mend,
      })),
      ...problems.map((problem) => problemFinding(path, problem)),
      ...corpus.documents.flatMap((document) => documentFindings(path, document, words)),
      ...repeated.filter(({ file }) => file === path),
      ...alikeLabels(path, corpus.documents),
      ...rareLabels(path, corpus.documents, minLabelCount),
      ...inconsistentSurfaces(corpus.documents, goldLayer).map((finding) => ({ file: path, ...finding })),
    ],
  }))
}

/**
 * Reading leaves empty spans out and tags legal. A span whose offsets are wrong says something that would be lost, and
 * which scheme a file has, if several could be meant, is not for us to say.
 */
const problemFinding = (file: string, problem: Problem): Finding => ({
  file,
  ...problem,
  ...(problem.kind !== 'offset' && problem.document !== undefined && { fix: { kind: 'read' } }),
})

function documentFindings(file: string, document: Document, words: (text: string) => readonly Token[]): Finding[] {
  const { id, text, tokens = words(text), layers } = document
  const at = inFile(document)
  return spanFindings(document, layers[goldLayer] ?? [], tokens).map(({ start, end, ...finding }) => ({
    file,
    document: id,
    ...finding,
    ...(start !== undefined && { start: at(start) }),
    ...(end !== undefined && { end: at(end) }),
  }))
}

/** How often each label stands in a file, and where first. */
function labelUses(documents: readonly Document[]) {
  const uses = new Map<string, { count: number; document: string; start: number; end: number }>()
  for (const document of documents) {
    const at = inFile(document)
    for (const { start, end, label } of document.layers[goldLayer] ?? []) {
      const known = uses.get(label)
      if (known) known.count++
      else uses.set(label, { count: 1, document: document.id, start: at(start), end: at(end) })
    }
  }
  return uses
}

function rareLabels(file: string, documents: readonly Document[], minimum: number): Finding[] {
  return [...labelUses(documents)].flatMap(([label, { count, ...place }]) =>
    count >= minimum
      ? []
      : [
          {
            kind: 'rare' as const,
            file,
            ...place,
            what: `${label} has ${count} ${count === 1 ? 'span' : 'spans'}, first here.`,
            mend: 'Is it misspelled? Label more of it, or map it to another.',
          },
        ],
  )
}

/** A label without its case, and without white space and characters of no width, which nobody sees. */
const looks = (label: string) =>
  label
    .normalize('NFKC')
    .replace(/[\s\u200B-\u200F\u2060\uFEFF]+/gu, '')
    .toLowerCase()

/** Labels that look like a commoner one: each would be a type of its own. */
function alikeLabels(file: string, documents: readonly Document[]): Finding[] {
  const uses = [...labelUses(documents)].sort(([, a], [, b]) => b.count - a.count)
  const commonest = new Map<string, string>()
  return uses.flatMap(([label, { count, ...place }]) => {
    const common = commonest.get(looks(label))
    if (common === undefined) {
      commonest.set(looks(label), label)
      return []
    }
    const what = `${JSON.stringify(label)} (${count}) and ${JSON.stringify(common)} are two labels.`
    return [{ kind: 'alike' as const, file, ...place, what, mend: 'If one is meant, write it in one way.' }]
  })
}
