import { setMaxListeners } from 'node:events'
import { NerError } from '../../errors.js'
import type { Answered, Query, RecognizedFrom, Recognizer } from '../recognizer.js'

/** What requests may ask for. */
export interface RequestLimits {
  /** UTF-16 units of a text. */
  readonly textUnits: number
  readonly texts: number
  /** Milliseconds. */
  readonly deadline: number
  readonly longestDeadline: number
}

/** What answers requests: a model that is ready, or the reason why there is none. */
export interface Service {
  readonly name: string
  readonly recognizer: Recognizer
  readonly limits: RequestLimits
  /** False while engines load, and when the server stops. */
  readonly ready: boolean
}

/** Who asks. */
export interface Asker {
  /** Aborted when the client has gone. */
  readonly gone: AbortSignal
  /** Told of each text that was answered, and when it was asked for. */
  readonly answered: (text: string, answer: Answered, began: number) => void
}

/**
 * The answers to the texts of one request, in order. They are dropped together: when the client has gone, or when the
 * deadline, in milliseconds, has passed.
 *
 * @throws NerError `serve/bad-request`, `serve/too-large`, `serve/not-ready`, `serve/overloaded`, `serve/deadline`
 */
export const answerAll = (
  service: Service,
  queries: readonly Query[],
  asker: Asker,
  deadline?: number,
): Promise<RecognizedFrom[]> => {
  // One for all texts, whatever is reloaded meanwhile.
  const { recognizer } = service
  return answerEach(service, queries, asker, (query, signal) => recognizer.find(query, signal), deadline)
}

/** As {@link answerAll}, with what is asked of each text. */
export async function answerEach<Q extends Query, T extends Answered>(
  service: Service,
  queries: readonly Q[],
  { gone, answered }: Asker,
  answer: (query: Q, signal: AbortSignal) => Promise<T>,
  deadline = service.limits.deadline,
): Promise<T[]> {
  checkQueries(queries, service.limits)
  if (!service.ready) {
    throw new NerError('serve/not-ready', 'The server is starting, or stopping.', { mend: 'Try again, or elsewhere.' })
  }
  const controller = new AbortController()
  // Each text of a request listens.
  setMaxListeners(0, controller.signal)
  const leave = () => controller.abort(gone.reason)
  const alarm = setTimeout(() => controller.abort(pastDeadline()), Math.min(deadline, service.limits.longestDeadline))
  if (gone.aborted) leave()
  gone.addEventListener('abort', leave, { once: true })
  const began = performance.now()
  const ask = async (query: Q) => {
    const found = await answer(query, controller.signal)
    answered(query.text, found, began)
    return found
  }
  try {
    return await Promise.all(queries.map(ask))
  } catch (error) {
    // The other texts of the request have nobody to answer to.
    controller.abort(error)
    throw error
  } finally {
    clearTimeout(alarm)
    gone.removeEventListener('abort', leave)
  }
}

function checkQueries(queries: readonly Query[], { texts, textUnits }: RequestLimits): void {
  if (queries.length > texts) {
    throw new NerError('serve/too-large', `The request has ${queries.length} texts; ${texts} are the most.`, {
      mend: 'Send fewer at once.',
    })
  }
  for (const [i, { text }] of queries.entries()) {
    if (text.length > textUnits) {
      throw new NerError('serve/too-large', `Text ${i} has ${text.length} UTF-16 units; ${textUnits} are the most.`, {
        mend: 'Send it in parts.',
      })
    }
    if (!text.isWellFormed()) {
      throw new NerError('serve/bad-request', `Text ${i} has half of a surrogate pair, which is no character.`, {
        mend: 'Send whole characters: a text was cut inside one.',
      })
    }
  }
}

const pastDeadline = () =>
  new NerError('serve/deadline', 'The deadline has passed before the text was answered.', {
    mend: 'Give more time, or a shorter text.',
  })
