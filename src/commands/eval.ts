import { basename } from 'node:path'
import { toMetrics } from '../data/scoring.js'
import { NerError } from '../errors.js'
import type { CharacterRecall } from '../evaluation/emissions.js'
import { type Evaluation, evaluate, type FileEvaluation } from '../evaluation/evaluate.js'
import { writeMisaligned } from '../evaluation/misaligned.js'
import { originOf } from '../hub/name.js'
import { writeFileAtomically } from '../io/write.js'
import { atLeast } from '../evaluation/gate.js'
import { defineCommand } from './command.js'
import { passing } from './gates.js'
import { percent } from '../report/numbers.js'
import { evaluationReport } from '../report/report.js'
import { versions } from '../runtime/versions.js'
import { chosenColumns, columns, onMisaligned, scheme, threads } from './options.js'
import { write } from './output.js'
import { during, located } from './progress.js'
import { evaluationTable } from './scores.js'
import { tell } from '../terminal.js'

export const command = defineCommand({
  positionals: {
    model: {
      type: 'string',
      demandOption: true,
      describe: 'A model folder, or org/name[@revision] on the Hugging Face hub',
    },
    data: { type: 'string', demandOption: true, describe: 'Labelled text, CoNLL or JSONL' },
  },
  options: {
    json: { type: 'boolean', describe: 'The scores as JSON' },
    'min-f1': { type: 'number', describe: 'Exit 1 where the F1 of all types is below this, from 0 to 1' },
    report: { type: 'string', describe: 'Write a report to this HTML file' },
    scheme,
    columns,
    'on-misaligned': onMisaligned,
    threads,
  },
  examples: [
    ['ner eval runs/ner test.conll', 'a table of scores'],
    ['ner eval runs/ner test.conll --min-f1 0.9', 'a gate for CI'],
  ],
  async run(args) {
    const gate = args['min-f1']
    if (gate !== undefined && (gate < 0 || gate > 1)) {
      throw new NerError('usage/bad-flag', `--min-f1 takes a share from 0 to 1, not ${gate}.`, {
        mend: `For example: --min-f1 ${gate > 1 && gate <= 100 ? gate / 100 : 0.9}`,
      })
    }
    const folder = await located(args.model, 'tagger')
    const began = performance.now()
    const evaluation = await during(
      'scoring',
      evaluate(folder, args.data, {
        scheme: args.scheme,
        ...chosenColumns(args.columns),
        onMisaligned: args['on-misaligned'] ?? 'error',
        threads: args.threads,
      }),
    )
    const { unreachable } = evaluation
    const list = `${args.data}.misaligned.jsonl`
    if (unreachable.length > 0) writeMisaligned(list, unreachable)
    if (args.report !== undefined) writeReport(args.report, args.model, args.data, evaluation, began)
    await write(args.json === true ? `${JSON.stringify(toJson(evaluation), null, 2)}\n` : summary(evaluation))
    if (unreachable.length > 0) {
      tell(
        `${unreachable.length} spans are no run of words: no model can find them, and they count as missed. ${list} lists them.\n`,
      )
    }
    const { f1 } = (evaluation.crf ?? evaluation.argmax).scores.micro
    return passing(gate === undefined ? [] : [atLeast('F1', f1, gate)], percent)
  },
})

/** NaN would be no JSON: what has no characters has none to miss. */
const characterRecall = ({ gold, found }: CharacterRecall) => (gold === 0 ? 1 : found / gold)

const summary = (evaluation: FileEvaluation): string =>
  `${evaluationTable(evaluation)}\nrecall by characters, under any type: ${percent(characterRecall(evaluation.characters))}\n`

function writeReport(path: string, model: string, data: string, evaluation: FileEvaluation, began: number): void {
  const { unreachable, dataHash } = evaluation
  const facts = {
    model,
    data: `${data} (SHA-256 ${dataHash})`,
    ...(unreachable.length > 0 && { 'spans that are no run of words': `${unreachable.length}, counted as missed` }),
    device: 'cpu',
    seconds: ((performance.now() - began) / 1000).toFixed(1),
    ...versions(),
  }
  writeFileAtomically(path, evaluationReport(`${originOf(model).name} on ${basename(data)}`, evaluation, facts))
}

/**
 * The model's own decoding, strictly scored, under the names that Hugging Face's metric files use; then each decoding by
 * itself, with what the conlleval script would say.
 */
function toJson({ crf, argmax, characters, unreachable }: FileEvaluation) {
  const metrics = ({ scores, intervals, conlleval }: Evaluation['argmax']) => ({
    ...toMetrics(scores),
    f1_intervals: { level: 0.95, overall: intervals.micro, ...intervals.perType },
    conlleval_f1: conlleval.micro.f1,
  })
  const own = crf ?? argmax
  return {
    mode: own.scores.mode,
    decoding: crf === undefined ? 'argmax' : 'crf',
    ...metrics(own),
    character_recall: characterRecall(characters),
    unreachable: unreachable.length,
    decodings: { ...(crf && { crf: metrics(crf) }), argmax: metrics(argmax) },
  }
}
