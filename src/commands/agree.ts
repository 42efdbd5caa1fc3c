import { type Headline, measureAgreement } from '../agreement/agree.js'
import { readAnnotators } from '../agreement/annotators.js'
import { findDisagreements } from '../agreement/disagreements.js'
import { matchDocuments } from '../agreement/match.js'
import { formatQueue } from '../agreement/queue.js'
import { NerError } from '../errors.js'
import { segment } from '../data/segment.js'
import { writeFileAtomically } from '../io/write.js'
import { agreementReport } from '../report/agreement.js'
import { kappa } from '../report/numbers.js'
import { agreementJson, agreementTables, aloneLines } from './agreement-tables.js'
import { atLeast, type Gate } from '../evaluation/gate.js'
import { defineCommand } from './command.js'
import { passing } from './gates.js'
import { annotators } from './options.js'
import { write } from './output.js'
import { during } from './progress.js'
import { tell } from '../terminal.js'

export const command = defineCommand({
  positionals: {
    files: annotators,
  },
  options: {
    unit: {
      type: 'string',
      choices: ['token', 'span', 'char'],
      default: 'token',
      describe: 'What kappa compares: words, the stretches anybody marked, or characters',
    },
    'ignore-o': { type: 'boolean', describe: 'Leave out of the headline and the gate what all call O' },
    'min-kappa': { type: 'number', describe: 'Exit 1 where the headline is below this, e.g. 0.8' },
    strict: { type: 'boolean', describe: 'Hold the lower bound of its 95 % interval against --min-kappa' },
    disagreements: { type: 'string', describe: 'Write every disagreement to this JSONL file, for adjudication' },
    report: { type: 'string', describe: 'Write a report to this HTML file' },
    json: { type: 'boolean', describe: 'The measures as JSON' },
  },
  examples: [
    ['ner agree ann.jsonl bob.jsonl', 'kappa, F1 and the confusion matrix, with intervals'],
    ['ner agree ann.jsonl bob.jsonl --min-kappa 0.8 --strict', 'a gate: the interval must lie above 0.8'],
    ['ner agree prodigy.jsonl --disagreements queue.jsonl --report agreement.html', 'one file, rows by session'],
  ],
  async run(args) {
    const gate = args['min-kappa']
    if (gate !== undefined && (gate < -1 || gate > 1)) throw badGate(gate)
    if (args.strict === true && gate === undefined) throw strictAlone()
    const corpus = matchDocuments(await during('reading', readAnnotators(args.files)), segment)
    const agreement = measureAgreement(corpus, { unit: args.unit, ignoreO: args['ignore-o'] === true })
    const disagreements = findDisagreements(corpus)
    if (args.disagreements !== undefined) writeFileAtomically(args.disagreements, formatQueue(corpus, disagreements))
    if (args.report !== undefined) {
      writeFileAtomically(args.report, agreementReport(corpus, agreement, disagreements))
    }
    await write(
      args.json === true
        ? `${JSON.stringify(agreementJson(corpus, agreement, disagreements), null, 2)}\n`
        : agreementTables(agreement, disagreements),
    )
    for (const line of aloneLines(corpus)) tell(`${line}\n`)
    return passing(gate === undefined ? [] : [headlineGate(gate, agreement.headline, args.strict === true)], kappa)
  },
})

/** The headline, or, strictly, the lower bound of its interval, which one document does not give. */
function headlineGate(limit: number, { measure, estimate: { value, interval } }: Headline, isStrict: boolean): Gate {
  if (!isStrict) return atLeast(measure, value, limit)
  return atLeast(`the lower bound of the interval of ${measure}`, interval?.low ?? NaN, limit)
}

const badGate = (gate: number) =>
  new NerError('usage/bad-flag', `--min-kappa takes a number from −1 to 1, not ${gate}.`, {
    mend: `For example: --min-kappa ${gate > 1 && gate <= 100 ? gate / 100 : 0.8}`,
  })

const strictAlone = () =>
  new NerError('usage/bad-flag', '--strict says how --min-kappa is held, and there is none.', {
    mend: 'For example: --min-kappa 0.8 --strict',
  })
