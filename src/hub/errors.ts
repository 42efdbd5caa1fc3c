import { type ErrorCode, NerError } from '../errors.js'
import type { HubName } from './name.js'

/** Where a message looks: the model as it was asked for. */
export const placeOf = ({ name, revision }: HubName, file?: string) =>
  [`${name}@${revision}`, file].filter(Boolean).join(', ')

/** Whether there is nobody to ask, so that a copy in the cache is as good as it gets. */
export const isUnreachable = (error: unknown) => error instanceof NerError && error.code === 'hub/unreachable'

/** No answer at all: no network, a name that does not resolve, a closed port. */
export function unreachable(hub: HubName, endpoint: string, cause: unknown): NerError {
  const { message, cause: reason } = cause as Error
  const why = reason instanceof Error && reason.message !== '' ? reason.message : message
  return new NerError(
    'hub/unreachable',
    `There is no folder ${hub.name} here, and ${endpoint} cannot be reached: ${why}.`,
    {
      where: placeOf(hub),
      mend: 'Check the path or the network; behind a proxy, set NODE_USE_ENV_PROXY=1 (Node 24) or HF_ENDPOINT to a mirror.',
      cause,
    },
  )
}

/**
 * What an answer that is no success means. The hub says 401 of a repository that does not exist to whoever has shown no
 * token, since it might be private (`X-Error-Code: RepoNotFound`).
 */
export function refusal(hub: HubName, response: Response, hasToken: boolean): NerError {
  const { status } = response
  const reason = response.headers.get('x-error-code')
  const said = response.headers.get('x-error-message') ?? `HTTP ${status}`
  const error = (code: ErrorCode, what: string, mend: string) => new NerError(code, what, { where: placeOf(hub), mend })
  if (reason === 'RevisionNotFound') {
    return error(
      'hub/not-found',
      `${hub.name} has no branch, tag or commit ${hub.revision}.`,
      `Leave @${hub.revision} out for its main branch, or see ${new URL(response.url).origin}/${hub.name}/commits.`,
    )
  }
  if (reason === 'GatedRepo' || status === 403) {
    return error(
      'hub/refused',
      `${hub.name} is gated, or the token may not read it: ${said}.`,
      `Ask for access at ${new URL(response.url).origin}/${hub.name}, and set HF_TOKEN to a token of that account.`,
    )
  }
  if (status === 401 && hasToken && reason !== 'RepoNotFound') {
    return error('hub/refused', `The hub does not accept the token: ${said}.`, 'Set HF_TOKEN to one that is valid.')
  }
  if (status === 401 || status === 404) {
    return error(
      'hub/not-found',
      `There is no folder ${hub.name} here, and no model of that name on the hub.`,
      'Check the spelling; a private model needs HF_TOKEN.',
    )
  }
  return error('hub/unreachable', `The hub does not answer as it should: ${said}.`, 'Try again later.')
}

export const badToken = (hub: HubName) =>
  new NerError('hub/refused', 'The token is none of the hub: those begin with hf_.', {
    where: placeOf(hub),
    mend: 'Set HF_TOKEN to a valid one, or unset it for public models.',
  })

export const notCached = (hub: HubName, cache: string) =>
  new NerError('hub/not-cached', `There is no folder ${hub.name} here, and offline its files are not in the cache.`, {
    where: cache,
    mend: 'Unset HF_HUB_OFFLINE, or name the revision that is cached.',
  })
