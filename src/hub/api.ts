import { NerError } from '../errors.js'
import { badToken, placeOf, refusal, unreachable } from './errors.js'
import type { HubName } from './name.js'
import { hubSettings } from './settings.js'

/** A file of a repository, at a commit. */
export interface RemoteFile {
  readonly path: string
  readonly url: string
  readonly size: number
  /** The name of its blob: SHA-256 of a file in LFS (64 digits), else git's own hash (40). */
  readonly etag: string
}

/** What a name on the hub stands for at the moment. */
export interface Repository {
  readonly commit: string
  readonly files: ReadonlyMap<string, RemoteFile>
}

/**
 * Asks the hub for the commit of a revision and its files.
 *
 * @throws NerError `hub/not-found`, `hub/refused`, `hub/unreachable`
 */
export async function lookUp(hub: HubName): Promise<Repository> {
  const { modelInfo, listFiles } = await import('@huggingface/hub')
  const { endpoint, token } = hubSettings()
  const options = { hubUrl: endpoint, fetch: hubFetch(hub), ...(token && { accessToken: token.value }) }
  if (token && !token.value.startsWith('hf_')) throw badToken(hub)
  const { sha: commit } = await modelInfo({
    ...options,
    name: hub.name,
    revision: hub.revision,
    additionalFields: ['sha'],
  })
  if (!isCommit(commit)) throw malformed(hub, `the commit ${commit}`)
  const files = new Map<string, RemoteFile>()
  for await (const entry of listFiles({ ...options, repo: hub.name, revision: commit, recursive: true })) {
    if (entry.type !== 'file') continue
    const { path, size } = entry
    const etag = entry.lfs?.oid ?? entry.oid ?? ''
    // It becomes the name of a file.
    if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(etag)) throw malformed(hub, `the hash ${etag} of ${path}`)
    files.set(path, { path, size, etag, url: `${endpoint}/${hub.name}/resolve/${commit}/${encodeURI(path)}` })
  }
  return { commit, files }
}

export const isCommit = (revision: string) => /^[0-9a-f]{40}$/.test(revision)

/** `fetch` that says what went wrong in our terms, which the library's own errors leave to be guessed from a status. */
const hubFetch =
  (hub: HubName): typeof fetch =>
  async (input, init) => {
    const { endpoint, token } = hubSettings()
    let response: Response
    try {
      response = await fetch(input, init)
    } catch (cause) {
      throw unreachable(hub, endpoint, cause)
    }
    if (response.ok) return response
    throw refusal(hub, response, token !== undefined)
  }

const malformed = (hub: HubName, what: string) =>
  new NerError('hub/unreachable', `The hub does not answer as it should: ${what} is none.`, {
    where: placeOf(hub),
    mend: 'Check HF_ENDPOINT.',
  })
