import type { z } from 'zod'
import type { ClassifiedToken } from '../../inference/token-classification.js'
import type { RecognizedFrom } from '../recognizer.js'
import { parsed } from './errors.js'
import { spansOut } from './offsets.js'
import { answerAll, answerEach, type Asker, type Service } from './requests.js'
import { huggingFaceRequest, type huggingFaceEntity } from './schemas.js'

type HuggingFaceEntity = z.output<typeof huggingFaceEntity>

/**
 * `POST /`, as Hugging Face's token-classification task answers: offsets are code points. Where the client names no
 * strategy of aggregation it has the server's entities, as `/v1/ner` gives them. With a strategy it has what
 * transformers' pipeline gives with the same model: argmax over pieces, without the CRF. Where lists or overrides stand
 * beside the model every client has the server's entities: no strategy gets round what was decided.
 */
export async function answerHuggingFace(
  service: Service,
  body: unknown,
  asker: Asker,
): Promise<HuggingFaceEntity[] | HuggingFaceEntity[][]> {
  const { inputs, parameters } = parsed(huggingFaceRequest, body)
  const queries = [inputs].flat().map((text) => ({ text }))
  const { recognizer } = service
  const strategy = recognizer.isModelAlone ? (parameters?.aggregation_strategy ?? undefined) : undefined
  const ignored = new Set(parameters?.ignore_labels ?? ['O'])
  const isWanted = ({ entity, entity_group: group }: ClassifiedToken) => !ignored.has((entity ?? group)!)
  const results =
    strategy === undefined
      ? (await answerAll(service, queries, asker)).map((answer, i) => entitiesOf(queries[i]!.text, answer))
      : (
          await answerEach(service, queries, asker, ({ text }, signal) => recognizer.classify(text, strategy, signal))
        ).map(({ tokens }) => tokens)
  const kept = results.map((entities) => entities.filter(isWanted))
  return typeof inputs === 'string' ? kept[0]! : kept
}

const entitiesOf = (text: string, { spans }: RecognizedFrom): ClassifiedToken[] =>
  spansOut(
    text,
    spans.map(({ start, end, label, score }) => ({
      entity_group: label,
      score,
      word: text.slice(start, end),
      start,
      end,
    })),
    'code_point',
  )
