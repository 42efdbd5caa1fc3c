import { formatQueue } from '../../agreement/queue.js'
import { writeFileAtomically } from '../../io/write.js'
import { short, thousands } from '../../report/numbers.js'
import { doubtLabels, type DoubtedCorpus } from '../../evaluation/doubt.js'
import { defineCommand, exit } from '../command.js'
import { table } from '../format.js'
import { threads } from '../options.js'
import { write } from '../output.js'
import { during } from '../progress.js'

/** Rows shown; `--out` and `--json` give all. */
const mostShown = 25

export const command = defineCommand({
  positionals: {
    model: { type: 'string', demandOption: true, describe: 'A model folder, not trained on the file' },
    file: { type: 'string', demandOption: true, describe: 'Labelled text, in any format' },
  },
  options: {
    out: { type: 'string', describe: 'Write all, the likeliest errors first, to this JSONL file for review' },
    json: { type: 'boolean', describe: 'All of them as JSON' },
    threads,
  },
  examples: [
    ['ner data doubt runs/ner dev.conll', 'labels that are probably wrong'],
    ['ner data doubt runs/ner dev.conll --out review.jsonl', 'for review in an annotation tool'],
  ],
  async run(args) {
    const doubted = await during('asking the model', doubtLabels(args.model, args.file, { threads: args.threads }))
    const { corpus, doubts } = doubted
    if (args.out !== undefined) {
      writeFileAtomically(
        args.out,
        formatQueue(
          corpus,
          doubts.map(({ disagreement }) => disagreement),
        ),
      )
    }
    await write(args.json === true ? `${JSON.stringify(toJson(doubted), null, 2)}\n` : toTable(doubted))
    return exit.done
  },
})

function toTable({ corpus, doubts, words }: DoubtedCorpus): string {
  const doubtedWords = doubts.reduce((sum, doubt) => sum + doubt.words.length, 0)
  const head = `${thousands(doubts.length)} doubtful places, ${thousands(doubtedWords)} of ${thousands(words)} words\n`
  if (doubts.length === 0) return head
  const rows = doubts.slice(0, mostShown).map(({ disagreement, probability }) => {
    const { document } = corpus.documents[disagreement.document]!
    const [given, model] = disagreement.answers.map(
      (spans) => spans!.map(spanText(document.text)).join(', ') || 'nothing',
    )
    return [`${document.id}  ${given}  →  ${model}`, disagreement.kind, short(probability)]
  })
  const more = doubts.length > rows.length ? `and ${thousands(doubts.length - rows.length)} more\n` : ''
  return `${head}\n${table([['given → the model', '', 'p(given)'], ...rows])}${more}`
}

const spanText =
  (text: string) =>
  ({ start, end, label }: { start: number; end: number; label: string }) =>
    `[${text.slice(start, end).replace(/\s+/g, ' ')} ${label}]`

/** Offsets count UTF-16 units. */
const toJson = ({ corpus, doubts, words }: DoubtedCorpus) => ({
  words,
  offset_unit: 'utf16',
  doubts: doubts.map(({ disagreement: { document, kind, confusion, answers }, words: doubtful, probability }) => {
    const { id, text } = corpus.documents[document]!.document
    return {
      document: id,
      kind,
      confusion,
      probability,
      given: answers[0],
      model: answers[1],
      words: doubtful.map((word) => ({ text: text.slice(word.start, word.end), ...word })),
    }
  }),
})
