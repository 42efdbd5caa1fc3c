import { stringify } from 'yaml'
import type { Scores } from '../../data/scoring.js'
import { tagLabels } from '../../data/schemes.js'
import type { Tagger } from '../../models/tagger.js'
import { percent } from '../../report/numbers.js'
import { printableLine } from '../../terminal.js'
import { gapWarning } from './warnings.js'

export interface ModelCard {
  readonly name: string
  readonly tagger: Tagger
  /** Where the model comes from, as the beginning of a sentence. */
  readonly origin: string
  /** The files that it comes from, by what they were for. */
  readonly data: Readonly<Record<string, DataFile>>
  /** What the model's own decoding scores, spans matched strictly, on one of them. */
  readonly scored: Scored | undefined
  /** Whether its weights are there, which Python's transformers load, or its graph alone. */
  readonly hasWeights: boolean
}

interface Scored {
  readonly on: string
  readonly scores: Scores
  /** What plain argmax scores, which is all that other tools know, where a CRF decodes. */
  readonly argmax?: Scores | undefined
}

export interface DataFile {
  readonly file: string
  readonly sha256: string
}

/** README.md of a model folder: what the Hugging Face hub reads (`model-index`), and the same for people. */
export function modelCard({ name, tagger, origin, data, scored, hasWeights }: ModelCard): string {
  const file = scored && (data[scored.on]?.file ?? scored.on)
  const header = {
    library_name: 'transformers',
    pipeline_tag: 'token-classification',
    tags: ['ner', 'token-classification', 'onnx'],
    ...(scored && { 'model-index': [{ name, results: [result(scored.scores, file!, scored.on)] }] }),
  }
  const crf = `a CRF on top decodes the tags (\`ner.json\`${hasWeights ? ', `crf.*` in the weights' : ''})`
  const python =
    "from transformers import pipeline\npipeline('token-classification', model='.', aggregation_strategy='simple')('A text.')"
  return [
    `---\n${stringify(header)}---`,
    `# ${plain(name)}`,
    `Finds ${[...tagLabels(tagger.tags)].map(plain).join(', ')}. ${plain(origin)}${tagger.head === 'crf' ? `; ${crf}` : ''}.`,
    ...(scored
      ? [`## Scores on ${plain(file!)}\n\nStrict span matching.${plainly(scored)}\n\n${table(scored.scores)}`]
      : []),
    `## Data\n\n${Object.entries(data)
      .map(([part, { file, sha256 }]) => `- ${part}: ${plain(file)}, SHA-256 ${sha256}`)
      .join('\n')}`,
    "## Use\n\n```sh\nner predict . 'A text.'\n```",
    ...(hasWeights ? [`\`\`\`python\n${python}\n\`\`\``] : []),
    '',
  ].join('\n\n')
}

/** Names come from data and paths: in Markdown they are text, and neither markup nor HTML, nor the next cell of a table. */
const plain = (text: string): string =>
  printableLine(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[\\`*[\]|]/g, (mark) => `\\${mark}`)

const plainly = ({ scores, argmax }: Scored) =>
  argmax === undefined
    ? ''
    : ` Tools without the CRF, which give each word its likeliest tag, get an F1 of ${percent(argmax.micro.f1)}${gapWarning(scores.micro.f1, argmax.micro.f1).length > 0 ? ': decode with the CRF' : ''}.`

function result({ micro: { precision, recall, f1 } }: Scores, dataset: string, split: string) {
  const metric = (type: string, value: number) => ({ type, value, name: `${type} (strict spans)` })
  return {
    task: { type: 'token-classification' },
    dataset: { type: dataset, name: dataset, split },
    metrics: [metric('precision', precision), metric('recall', recall), metric('f1', f1)],
  }
}

function table({ micro, perType }: Scores): string {
  const row = (name: string, { precision, recall, f1 }: { precision: number; recall: number; f1: number }) =>
    `| ${name} | ${percent(precision)} | ${percent(recall)} | ${percent(f1)} |`
  return [
    '| type | precision | recall | F1 |',
    '| --- | --- | --- | --- |',
    ...Object.entries(perType).map(([type, score]) => row(plain(type), score)),
    row('all', micro),
  ].join('\n')
}
