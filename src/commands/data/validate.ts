import { statSync } from 'node:fs'
import { join, parse } from 'node:path'
import { applyFixes, fixKinds, isMended, type FixKind } from '../../data/checks/fix.js'
import { kinds, type Finding, type Kind } from '../../data/checks/finding.js'
import { validate, type ValidatedFile } from '../../data/checks/validate.js'
import { writeRejects } from '../../data/convert.js'
import { writeDocuments } from '../../data/write.js'
import { NerError } from '../../errors.js'
import { findWords } from '../../text/words.js'
import { writeFileAtomically } from '../../io/write.js'
import { thousands } from '../../report/numbers.js'
import { isUnlabelled } from '../../data/read.js'
import { defineCommand, exit } from '../command.js'
import { table } from '../format.js'
import { lossList } from '../losses.js'
import { reading, readingOptions } from '../options.js'
import { write } from '../output.js'
import { during } from '../progress.js'

export const command = defineCommand({
  positionals: {
    files: { type: 'string', array: true, demandOption: true, describe: 'Labelled files, e.g. train, dev and test' },
  },
  options: {
    fix: {
      type: 'string',
      requiresArg: false,
      choices: ['', ...fixKinds],
      describe: 'Apply the safe mends, or those of tags alone, to FILE.fixed beside each file, and list them',
    },
    'min-label-count': { type: 'number', default: 10, describe: 'Labels with fewer spans are rare' },
    show: { type: 'number', default: 5, describe: 'How many findings of each kind to list; --json lists all' },
    ...reading,
    json: { type: 'boolean', describe: 'Every finding, as JSON' },
  },
  examples: [
    ['ner data validate train.conll dev.conll test.conll', 'each file by itself, and texts that leak between them'],
    ['ner data validate export.jsonl --fix', 'a mended copy, export.fixed.jsonl'],
    ['ner data validate test.conll --fix tags', 'the same documents, with tags that are legal'],
  ],
  async run(args) {
    if (args.fix !== undefined) args.files.forEach(requireFile)
    const files = await during(
      'checking',
      validate(args.files, {
        ...readingOptions(args),
        words: findWords,
        minLabelCount: args['min-label-count'],
      }),
    )
    const fixes = args.fix === undefined ? undefined : args.fix === 'tags' ? 'tags' : 'all'
    const fixed = fixes === undefined ? [] : files.map((file) => writeFixed(file, fixes))
    await write(
      args.json === true ? `${JSON.stringify(toJson(files, fixed), null, 2)}\n` : report(files, fixed, args.show),
    )
    const left = files
      .flatMap(({ findings }) => findings)
      .filter((finding) => fixes === undefined || !isMended(finding, fixes))
    // Training would stop on a file without labels, too.
    const bare = files.some(({ corpus }) => isUnlabelled(corpus.documents))
    return bare || left.some(({ kind }) => kinds[kind].severity === 'error') ? exit.gateFailed : exit.done
  },
})

/** A mended copy stands beside its file: there is no such place beside a pipe. */
function requireFile(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== false) return
  throw new NerError('usage/bad-flag', '--fix writes beside the file, and this is none.', {
    where: path,
    mend: 'Write it to a file first.',
  })
}

interface Fixed {
  readonly path: string
  readonly rejected: string | undefined
  readonly applied: readonly Finding[]
  /** What the copy does not have for another reason: its format cannot hold it. */
  readonly losses: string
}

function writeFixed(file: ValidatedFile, fixes: FixKind): Fixed {
  const { documents, applied, rejects } = applyFixes(file, fixes)
  const { format: to, scheme } = file.corpus
  const { dir, name, ext } = parse(file.path.replace(/\.gz$/, ''))
  const path = join(dir, `${name}.fixed${ext}`)
  const { pieces, losses } = writeDocuments(documents, to, { words: findWords, ...(scheme && { scheme }) })
  writeFileAtomically(path, pieces)
  const all = lossList(to, [...file.corpus.losses, ...losses])
  return { path, rejected: writeRejects(path, rejects), applied, losses: all }
}

const plain = ({ fix, ...finding }: Finding) => ({
  ...finding,
  severity: kinds[finding.kind].severity,
  safe: fix !== undefined,
})

const toJson = (files: readonly ValidatedFile[], fixed: readonly Fixed[]) => ({
  files: files.map(({ path, corpus, findings }) => ({
    path,
    format: corpus.format,
    scheme: corpus.scheme,
    documents: corpus.documents.length,
    findings: findings.map(plain),
  })),
  fixed: fixed.map(({ path, rejected, applied }) => ({ path, rejected, applied: applied.map(plain) })),
})

function report(files: readonly ValidatedFile[], fixed: readonly Fixed[], show: number): string {
  const findings = files.flatMap((file) => file.findings)
  const documents = files.reduce((sum, { corpus }) => sum + corpus.documents.length, 0)
  const found = (Object.keys(kinds) as Kind[]).filter((kind) => findings.some((finding) => finding.kind === kind))
  if (found.length === 0) return `${thousands(documents)} documents, nothing to mend.\n`
  const of = (kind: Kind) => findings.filter((finding) => finding.kind === kind)
  const counts = table([
    ['', 'found', 'severity'],
    ...found.map((kind) => [kinds[kind].name, thousands(of(kind).length), kinds[kind].severity]),
  ])
  return [counts, ...found.map((kind) => listed(kind, of(kind), show)), ...fixed.map(mended)].join('\n')
}

function listed(kind: Kind, findings: readonly Finding[], show: number): string {
  const shown = findings.slice(0, show).map((finding) => `  ${placeOf(finding)}\n    ${finding.what} ${finding.mend}\n`)
  const more = findings.length > show ? [`  … and ${thousands(findings.length - show)} more\n`] : []
  return [`${kinds[kind].name}\n`, ...shown, ...more].join('')
}

function placeOf({ file, document, where, start, end }: Finding): string {
  const offsets = start === undefined ? '' : ` at ${start}–${end}`
  return document === undefined ? (where ?? file) : `${where ?? file}, ${document}${offsets}`
}

const mended = ({ path, rejected, applied, losses }: Fixed): string =>
  [
    `${path}: ${applied.length === 0 ? 'nothing was safe to mend' : `mended ${thousands(applied.length)}`}\n`,
    ...applied.map((finding) => `  ${placeOf(finding)}: ${finding.what}\n`),
    losses,
    ...(rejected === undefined ? [] : [`  ${rejected} has what could not be read\n`]),
  ].join('')
