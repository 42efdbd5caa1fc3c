import type { FastifyRequest } from 'fastify'
import type { ServeSettings } from '../settings.js'
import type { AnsweredText } from './tracing.js'

/** How a server logs: lines of JSON by pino. Of a request they say the path; what it asks for may hold a text. */
export const loggerOptions = ({ level }: ServeSettings['log']) => ({
  level,
  serializers: {
    req: ({ method, url }: Pick<FastifyRequest, 'method' | 'url'>) => ({ method, path: url.replace(/\?.*$/s, '') }),
  },
})

/** What a request was about. */
export interface Asked {
  /** Texts answered. */
  readonly answered: AnsweredText[]
  /** UTF-16 units of all its texts. */
  units: number
  /** The texts themselves; undefined where they may not stand in the log. */
  readonly texts: string[] | undefined
}

/** A line for a request that is over, at level `debug`. */
export function logRequest(request: FastifyRequest, asked: Asked, status: number, milliseconds: number): void {
  const { answered, units, texts } = asked
  const cache: Record<string, number> = {}
  for (const { cache: outcome } of answered) cache[outcome] = (cache[outcome] ?? 0) + 1
  request.log.debug(
    {
      req: request,
      status,
      ms: Math.round(1000 * milliseconds) / 1000,
      ...(answered.length > 0 && {
        answered: answered.length,
        units,
        entities: answered.reduce((sum, { entities }) => sum + entities, 0),
        cache,
      }),
      ...(texts && { texts }),
    },
    'request',
  )
}
