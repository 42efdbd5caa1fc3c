import type { z } from 'zod'
import { findWords } from '../../text/words.js'
import type { RecognizedFrom } from '../recognizer.js'
import { parsed } from './errors.js'
import { spansOut } from './offsets.js'
import { answerAll, type Service } from './requests.js'
import { huggingFaceRequest, type huggingFaceEntity } from './schemas.js'

type HuggingFaceEntity = z.output<typeof huggingFaceEntity>

/**
 * `POST /`, as Hugging Face's token-classification task answers: offsets are code points. All strategies of aggregation
 * give our entities, which are whole words; `none` gives each word by itself, with its entity's score.
 */
export async function answerHuggingFace(
  service: Service,
  body: unknown,
  gone: AbortSignal,
): Promise<HuggingFaceEntity[] | HuggingFaceEntity[][]> {
  const { inputs, parameters } = parsed(huggingFaceRequest, body)
  const texts = typeof inputs === 'string' ? [inputs] : inputs
  const ignored = new Set(parameters?.ignore_labels ?? [])
  const answers = await answerAll(
    service,
    texts.map((text) => ({ text })),
    gone,
  )
  const results = answers.map((answer, i) => {
    const entities =
      parameters?.aggregation_strategy === 'none' ? byWord(texts[i]!, answer) : grouped(texts[i]!, answer)
    const kept = entities.filter(({ entity, entity_group: group }) => !ignored.has((entity ?? group)!))
    return spansOut(texts[i]!, kept, 'code_point')
  })
  return typeof inputs === 'string' ? results[0]! : results
}

const grouped = (text: string, { spans }: RecognizedFrom): HuggingFaceEntity[] =>
  spans.map(({ start, end, label, score }) => ({
    entity_group: label,
    score,
    word: text.slice(start, end),
    start,
    end,
  }))

function byWord(text: string, { spans }: RecognizedFrom): HuggingFaceEntity[] {
  const words = findWords(text)
  return spans.flatMap(({ start, end, label, score }) =>
    words.flatMap((word, index) =>
      word.start >= start && word.end <= end
        ? [
            {
              entity: `${word.start === start ? 'B' : 'I'}-${label}`,
              score,
              index: index + 1,
              word: text.slice(word.start, word.end),
              start: word.start,
              end: word.end,
            },
          ]
        : [],
    ),
  )
}
