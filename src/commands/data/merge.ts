import { readAnnotators } from '../../agreement/annotators.js'
import { matchDocuments } from '../../agreement/match.js'
import { mergeAnnotations } from '../../agreement/merge.js'
import { formatQueue } from '../../agreement/queue.js'
import { formatJsonl } from '../../data/formats/jsonl.js'
import { readDocuments } from '../../data/read.js'
import { segment } from '../../data/segment.js'
import { writeFileAtomically } from '../../io/write.js'
import { thousands } from '../../report/numbers.js'
import { aloneLines } from '../agreement-tables.js'
import { defineCommand, exit } from '../command.js'
import { annotators } from '../options.js'
import { writeData } from '../output.js'
import { during } from '../progress.js'
import { tell } from '../../terminal.js'

/** Ties named on standard error; `--ties` writes all. */
const mostTies = 10

export const command = defineCommand({
  positionals: {
    files: annotators,
  },
  options: {
    adjudicated: {
      type: 'string',
      describe: 'The queue of ner agree --disagreements, or of --ties, with decisions: "answer": "accept"',
    },
    ties: { type: 'string', describe: 'Write what is still undecided to this JSONL file, for adjudication' },
    out: { type: 'string', describe: 'Write the merged documents to this JSONL file, not to standard output' },
  },
  examples: [
    ['ner data merge ann.jsonl bob.jsonl eve.jsonl --out gold.jsonl', 'what most of three say'],
    ['ner data merge ann.jsonl bob.jsonl --adjudicated queue.jsonl --out gold.jsonl', 'by decision where they differ'],
  ],
  async run(args) {
    const corpus = matchDocuments(await during('reading', readAnnotators(args.files)), segment)
    const queue = args.adjudicated === undefined ? undefined : await readDocuments(args.adjudicated)
    const { documents, settled, ties } = mergeAnnotations(corpus, queue?.documents)
    if (args.ties !== undefined) writeFileAtomically(args.ties, formatQueue(corpus, ties))
    const merged = [...formatJsonl(documents)].join('')
    if (args.out === undefined) await writeData(merged)
    else writeFileAtomically(args.out, merged)

    const shown = ties.slice(0, mostTies).map(({ id, kind, confusion, document, start, end }) => {
      const text = corpus.documents[document]!.document.text.slice(start, end)
      return `  ${id}  ${kind}: ${confusion}  “${text.replace(/\s+/g, ' ')}”`
    })
    const more = ties.length > shown.length ? [`  and ${thousands(ties.length - shown.length)} more`] : []
    const summary = [
      `${thousands(documents.length)} documents; disagreements settled by decision: ${thousands(settled.decision)}, ` +
        `by majority: ${thousands(settled.majority)}, tied: ${thousands(ties.length)}`,
      ...(queue?.rejects ?? []).map(({ where, what }) => `${where}: not decided. ${what}`),
      ...aloneLines(corpus, 'taken as they are'),
      ...(ties.length > 0 ? ['Tied, and left without a span:', ...shown, ...more] : []),
    ]
    tell(`${summary.join('\n')}\n`)
    return exit.done
  },
})
