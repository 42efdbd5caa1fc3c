// Requests at a fixed rate, each timed from when it should have been sent: a server that stalls is charged for all that
// it kept waiting (coordinated omission).
import { Agent, request } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setImmediate, setTimeout } from 'node:timers/promises'

/** Posts JSON; resolves with status, body and headers. */
export function post(url, body, { agent, headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body)
    const sent = request(
      url,
      {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers },
      },
      (response) => {
        const chunks = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() }),
        )
        response.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.end(text)
  })
}

/** Resolves with the text at an address. */
export function get(url) {
  return new Promise((resolve, reject) => {
    const sent = request(url, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end()
  })
}

/**
 * Sends `count` requests, `rate` a second, of bodies in turn. Resolves with the milliseconds of each that was answered
 * with 200, sorted, and how many had which status.
 */
export async function atRate(url, bodies, { rate, count, connections = 256 }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const times = []
  const statuses = {}
  const began = performance.now()
  const open = []
  for (let i = 0; i < count; i++) {
    const due = began + (1000 * i) / rate
    const left = due - performance.now()
    if (left > 1) await setTimeout(left - 0.5)
    while (performance.now() < due) await setImmediate()
    open.push(
      post(url, bodies(i), { agent }).then(
        ({ status }) => {
          statuses[status] = (statuses[status] ?? 0) + 1
          if (status === 200) times.push(performance.now() - due)
        },
        (error) => (statuses[error.code ?? 'error'] = (statuses[error.code ?? 'error'] ?? 0) + 1),
      ),
    )
  }
  await Promise.all(open)
  const seconds = (performance.now() - began) / 1000
  agent.destroy()
  return { times: times.sort((a, b) => a - b), statuses, seconds }
}

export const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))]
