import { stringify } from 'yaml'
import type { Tagger } from '../models/tagger.js'
import type { DecodingScores, Evaluation } from './evaluation.js'

export interface ModelCard {
  readonly name: string
  readonly tagger: Tagger
  /** Where the model comes from, as the beginning of a sentence. */
  readonly origin: string
  readonly lineage: {
    readonly data: Readonly<Record<string, { readonly file: string; readonly sha256: string }>>
    readonly seed: number
  }
  readonly dev: Evaluation | undefined
  readonly test: Evaluation | undefined
}

/** README.md of a model folder: what the Hugging Face hub reads (`model-index`), and the same for people. */
export function modelCard({ name, tagger, origin, lineage, dev, test }: ModelCard): string {
  const evaluation = test ?? dev
  const split = test ? 'test' : 'dev'
  const own = evaluation && (evaluation.crf ?? evaluation.argmax)
  const header = {
    library_name: 'transformers',
    pipeline_tag: 'token-classification',
    tags: ['ner', 'token-classification', 'onnx'],
    ...(own && { 'model-index': [{ name, results: [result(own, lineage.data[split]?.file ?? split, split)] }] }),
  }
  const types = [...new Set(tagger.tags.slice(1).map((tag) => tag.slice(2)))]
  return [
    `---\n${stringify(header)}---`,
    `# ${name}`,
    `Finds ${types.join(', ')}. ${origin} with seed ${lineage.seed}${tagger.head === 'crf' ? '; a CRF on top decodes the tags (`ner.json`, `crf.*` in the weights), and plain argmax works too' : ''}.`,
    ...(own ? [`## Scores on ${lineage.data[split]?.file ?? split}\n\nStrict span matching.\n\n${table(own)}`] : []),
    `## Data\n\n${Object.entries(lineage.data)
      .map(([part, { file, sha256 }]) => `- ${part}: ${file}, SHA-256 ${sha256}`)
      .join('\n')}`,
    "## Use\n\n```sh\nner predict . 'A text.'\n```\n\n```python\nfrom transformers import pipeline\npipeline('token-classification', model='.', aggregation_strategy='simple')('A text.')\n```",
    '',
  ].join('\n\n')
}

function result({ scores }: DecodingScores, dataset: string, split: string) {
  const { precision, recall, f1 } = scores.micro
  const metric = (type: string, value: number) => ({ type, value, name: `${type} (strict spans)` })
  return {
    task: { type: 'token-classification' },
    dataset: { type: dataset, name: dataset, split },
    metrics: [metric('precision', precision), metric('recall', recall), metric('f1', f1)],
  }
}

function table({ scores }: DecodingScores): string {
  const percent = (share: number) => (100 * share).toFixed(2)
  const row = (name: string, { precision, recall, f1 }: { precision: number; recall: number; f1: number }) =>
    `| ${name} | ${percent(precision)} | ${percent(recall)} | ${percent(f1)} |`
  return [
    '| type | precision | recall | F1 |',
    '| --- | --- | --- | --- |',
    ...Object.entries(scores.perType).map(([type, score]) => row(type, score)),
    row('all', scores.micro),
  ].join('\n')
}
