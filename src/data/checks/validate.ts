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

function rareLabels(file: string, documents: readonly Document[], minimum: number): Finding[] {
  const seen = new Map<string, { count: number; document: string; start: number; end: number }>()
  for (const { id, layers } of documents) {
    for (const { start, end, label } of layers[goldLayer] ?? []) {
      const known = seen.get(label)
      if (known) known.count++
      else seen.set(label, { count: 1, document: id, start, end })
    }
  }
  return [...seen].flatMap(([label, { count, ...place }]) =>
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
