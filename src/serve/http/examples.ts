import type { z } from 'zod'
import type * as schemas from './schemas.js'

/*
 * Requests and answers as people meet them first, in the OpenAPI document. A test asks a server each request.
 */

const text = 'Marie Curie was born in Warsaw.'

export const nerRequests = {
  one: { text },
  several: { texts: [text, 'It rains in Oslo.'], types: ['LOC'], min_score: 0.5, offset_unit: 'utf16' },
  words: {
    documents: [
      {
        text: 'Oslo rains',
        tokens: [
          { start: 0, end: 4 },
          { start: 5, end: 10 },
        ],
      },
    ],
  },
} satisfies Record<string, z.input<typeof schemas.nerRequest>>

export const nerResponse: z.output<typeof schemas.nerResponse> = {
  model: 'ner-int8',
  version: '6f1c2a9d04e7b853',
  offset_unit: 'code_point',
  degraded: false,
  results: [
    {
      entities: [
        { start: 0, end: 11, label: 'PER', score: 0.9987, text: 'Marie Curie' },
        { start: 24, end: 30, label: 'LOC', score: 0.9971, text: 'Warsaw' },
      ],
      cache: 'miss',
      stages_ms: { tokenizing: 0.1, queued: 0, engine: 2.9, decoding: 0.1 },
    },
  ],
}

export const huggingFaceRequests = {
  plain: { inputs: text },
  pieces: { inputs: [text], parameters: { aggregation_strategy: 'none' } },
} satisfies Record<string, z.input<typeof schemas.huggingFaceRequest>>

export const huggingFaceResponse: z.output<typeof schemas.huggingFaceEntity>[] = [
  { entity_group: 'PER', score: 0.9987, word: 'Marie Curie', start: 0, end: 11 },
  { entity_group: 'LOC', score: 0.9971, word: 'Warsaw', start: 24, end: 30 },
]

export const inferRequest: z.input<typeof schemas.inferRequest> = {
  id: '7',
  inputs: [{ name: 'text', shape: [1], datatype: 'BYTES', data: [text] }],
}

export const inferResponse: z.output<typeof schemas.inferResponse> = {
  model_name: 'ner-int8',
  model_version: '6f1c2a9d04e7b853',
  id: '7',
  outputs: [
    {
      name: 'entities',
      datatype: 'BYTES',
      shape: [1],
      data: ['[{"start":24,"end":30,"label":"LOC","score":0.9971,"text":"Warsaw"}]'],
    },
  ],
}
