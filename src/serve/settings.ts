import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { listSchema, overridesSchema } from './lists/settings.js'

/**
 * Every key of `ner serve`, with its default. `configs/serve.yaml` says the same to people, key by key, and a test holds
 * the two together.
 */

const count = z.int().positive()
const milliseconds = z.number().positive()

export const serveSchema = z.strictObject({
  model: z.string().min(1),
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(8080),
  token: z.string().min(1).nullable().default(null),
  engines: count.default(1),
  threads: z.int().min(0).default(0),
  batch: z
    .strictObject({
      sentences: count.default(8),
      pieces: count.default(512),
      wait_ms: z.number().min(0).default(3),
    })
    .prefault({}),
  queue: z
    .strictObject({
      sentences: count.default(512),
      deadline_ms: milliseconds.default(2_000),
      longest_deadline_ms: milliseconds.default(30_000),
      hung_ms: milliseconds.default(10_000),
      drain_ms: milliseconds.default(20_000),
    })
    .prefault({}),
  limits: z
    .strictObject({
      body_bytes: count.default(1 << 20),
      text_units: count.default(200_000),
      texts: count.default(128),
      request_ms: milliseconds.default(10_000),
    })
    .prefault({}),
  cache: z
    .strictObject({
      bytes: z
        .int()
        .min(0)
        .default(64 << 20),
      ttl_s: z.number().positive().default(600),
    })
    .prefault({}),
  lists: z.record(z.string().min(1), listSchema).default({}),
  overrides: overridesSchema.nullable().default(null),
  log: z
    .strictObject({
      level: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
      texts: z.boolean().default(false),
    })
    .prefault({}),
  page: z.boolean().default(true),
})

export type ServeSettings = z.output<typeof serveSchema>

/** Threads within an operator, so that engines together take no more than the cores there are. */
export const threadsOf = ({ engines, threads }: Pick<ServeSettings, 'engines' | 'threads'>): number =>
  threads > 0 ? threads : Math.max(1, Math.floor(availableParallelism() / engines))
