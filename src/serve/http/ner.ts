import { answerEach, type Asker, type Service } from './requests.js'
import { parsed } from './errors.js'
import { spansOut, tokensIn } from './offsets.js'
import { nerRequest, type NerRequest, type NerResponse } from './schemas.js'
import type { Query } from '../recognizer.js'

/** `POST /v1/ner` */
export async function answerNer(service: Service, body: unknown, asker: Asker): Promise<NerResponse> {
  const request = parsed(nerRequest, body)
  const { offset_unit: unit, types, min_score: least = 0, deadline_ms: deadline } = request
  const queries = queriesOf(request)
  // A list that is reloaded meanwhile is for the requests after this one.
  const { recognizer } = service
  const find = (query: Query, signal: AbortSignal) => recognizer.find(query, signal)
  const answers = await answerEach(service, queries, asker, find, deadline)
  return {
    model: service.name,
    version: recognizer.version,
    offset_unit: unit,
    degraded: false,
    results: answers.map(({ spans, cache, stages }, i) => {
      const { text } = queries[i]!
      const wanted = spans.filter(({ label, score }) => score >= least && (types?.includes(label) ?? true))
      const entities = wanted.map(({ start, end, label, score, source }) => ({
        start,
        end,
        label,
        score,
        text: text.slice(start, end),
        ...(source !== undefined && { source }),
      }))
      return { entities: spansOut(text, entities, unit), cache, stages_ms: stages }
    }),
  }
}

function queriesOf({ text, texts, documents, offset_unit: unit }: NerRequest): Query[] {
  if (documents !== undefined) {
    return documents.map(({ text, tokens }) => ({
      text,
      ...(tokens !== undefined && { tokens: tokensIn(text, tokens, unit) }),
    }))
  }
  return (texts ?? [text!]).map((text) => ({ text }))
}
