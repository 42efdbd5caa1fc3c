import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What goes wrong, as long as it is set. */
export interface Faults {
  /** Bytes after which each answer is cut, once the client `hasReceived` them: what is on its way would be lost. */
  cutAfter?: number
  /** The store sends other bytes than were announced. */
  corrupt?: boolean
  /** The store sends the whole file, whatever part is asked for. */
  ignoresRange?: boolean
  /** The store answers so many times with 503 first. */
  busy?: number
  /** Hub's own answer to everything, with its `X-Error-Code`. */
  refusal?: readonly [status: number, code?: string]
}

/** A stand-in of the hub: its API, and, on another host, the store that it redirects to for files in LFS. */
export interface StandIn {
  readonly url: string
  readonly commit: string
  /** The repository `org/name`, by path; changing it does not change the commit. */
  readonly files: Map<string, Buffer>
  readonly faults: Faults
  /** `HOST METHOD path range authorization`, in order. */
  readonly requests: string[]
  /** How much of the file being sent has come so far. */
  hasReceived(bytes: number): void
  close(): void
}

export const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')
/** As `git hash-object` has it. */
export const gitHash = (data: Buffer) => createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex')

/** Weights and graphs are in LFS, as on the hub; small files are git's own. */
const inLfs = (path: string) => /\.(safetensors|onnx|bin)$/.test(path)

export async function standInHub(files: Readonly<Record<string, Buffer>>): Promise<StandIn> {
  const hub = { files: new Map(Object.entries(files)), faults: {} as Faults, requests: [] as string[] }
  const commit = 'c0ffee'.padEnd(40, '0')
  const store = await listen((request, response) => {
    note('store', request)
    const [, data] = [...hub.files].find(([, data]) => request.url === `/${sha256(data)}`)!
    return send(request, response, data)
  })
  const server = await listen((request, response) => {
    note('hub', request)
    const { pathname } = new URL(request.url!, 'http://hub')
    const [status, code] = hub.faults.refusal ?? []
    if (status !== undefined) return fail(response, status, code)
    if (pathname === '/api/models/org/name/revision/main' || pathname === `/api/models/org/name/revision/${commit}`) {
      return json(response, { _id: '1', id: 'org/name', sha: commit, lastModified: '2020-01-01T00:00:00Z' })
    }
    if (pathname.startsWith('/api/models/org/name/revision/')) return fail(response, 404, 'RevisionNotFound')
    if (pathname === `/api/models/org/name/tree/${commit}`) {
      return json(
        response,
        [...hub.files].map(([path, data]) => ({
          type: 'file',
          path,
          size: data.length,
          oid: gitHash(data),
          ...(inLfs(path) && { lfs: { oid: sha256(data), size: data.length, pointerSize: 130 } }),
        })),
      )
    }
    const path = pathname.replace(`/org/name/resolve/${commit}/`, '')
    const data = hub.files.get(path)
    if (data === undefined) return fail(response, 401, 'RepoNotFound')
    if (!inLfs(path)) return send(request, response, data)
    return response.writeHead(302, { location: `http://localhost:${portOf(store)}/${sha256(data)}` }).end()
  })

  let cut: { readonly response: ServerResponse; readonly at: number } | undefined

  function note(host: string, { method, url, headers: { range = '', authorization = '' } }: IncomingMessage) {
    hub.requests.push([host, method, url!.split('?')[0], range, authorization].join(' ').trim())
  }

  function send(request: IncomingMessage, response: ServerResponse, data: Buffer): ServerResponse {
    const { faults } = hub
    if ((faults.busy ?? 0) > 0) {
      faults.busy!--
      return fail(response, 503)
    }
    const from = faults.ignoresRange === true ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const body = Buffer.from(data.subarray(from))
    if (faults.corrupt === true) body.reverse()
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': body.length,
      ...(from > 0 && { 'content-range': `bytes ${from}-${data.length - 1}/${data.length}` }),
    })
    if (faults.cutAfter === undefined || faults.cutAfter >= body.length) return response.end(body)
    response.write(body.subarray(0, faults.cutAfter))
    cut = { response, at: from + faults.cutAfter }
    return response
  }

  return {
    ...hub,
    commit,
    url: `http://127.0.0.1:${portOf(server)}`,
    hasReceived(bytes) {
      if (cut === undefined || bytes < cut.at) return
      cut.response.destroy()
      cut = undefined
    },
    close() {
      for (const each of [server, store]) {
        each.closeAllConnections()
        each.close()
      }
    },
  }
}

function listen(answer: (request: IncomingMessage, response: ServerResponse) => ServerResponse): Promise<Server> {
  const server = createServer(answer)
  return new Promise((ready) => server.listen(0, () => ready(server)))
}

const portOf = (server: Server) => (server.address() as AddressInfo).port

function json(response: ServerResponse, value: unknown): ServerResponse {
  return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function fail(response: ServerResponse, status: number, code?: string): ServerResponse {
  return response.writeHead(status, code === undefined ? {} : { 'x-error-code': code }).end()
}
