import { z } from 'zod'
import { policies } from '../../pipeline/resolve.js'
import { knowledgeBase } from '../../sources/config.js'

const source = z.string().min(1)
const count = z.int().positive()

/** A list of names that is kept in memory: where it is read from, what it counts for, and how texts may write its names. */
export const listSchema = knowledgeBase.omit({ kind: true, files: true, stop_files: true }).extend({
  /** A file, or an address of http or https. */
  source,
  policy: z.enum(policies).exclude(['find']),
  refresh_s: z.number().positive().default(300),
  max_bytes: count.default(1 << 30),
  /** Whether `SOURCE.sha256` holds the hash that the bytes must have. */
  checksum: z.boolean().default(false),
})

export const overridesSchema = z.strictObject({
  source,
  refresh_s: z.number().positive().max(60).default(20),
  max_bytes: count.default(16 << 20),
  checksum: z.boolean().default(false),
})

export type ListSettings = z.output<typeof listSchema>
export type OverridesSettings = z.output<typeof overridesSchema>
