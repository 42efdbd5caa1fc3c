import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hashBytes } from '../io/hash.js'
import type { FunctionKind } from './config.js'

/** Raised where the code of a kind finds other spans than before, under the same settings. */
const formats: { readonly [Kind in FunctionKind]: number } = {
  regex: 1,
  token_patterns: 1,
  knowledge_base: 1,
  document: 1,
  model: 1,
  module: 1,
}

/** A hash of a source's kind and of what its answers depend on. The order of an object's keys does not count. */
export const versionOf = (kind: FunctionKind, depends: unknown): string =>
  hashBytes(Buffer.from(JSON.stringify([kind, formats[kind], depends], sorted))).slice(0, 16)

const sorted = (_: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value

const relativeImport = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g

/**
 * Hashes of a module and of what it imports by relative paths, in the order in which they are met. Packages, and files
 * that it reads by itself, are not seen.
 */
export function moduleHashes(file: string): string[] {
  const seen = new Set<string>()
  const hashes: string[] = []
  const visit = (path: string) => {
    if (seen.has(path)) return
    seen.add(path)
    let bytes: Buffer
    try {
      bytes = readFileSync(path)
    } catch {
      // Loading the module tells what cannot be read.
      return
    }
    hashes.push(hashBytes(bytes))
    for (const [, target] of bytes.toString().matchAll(relativeImport)) visit(join(dirname(path), target!))
  }
  visit(file)
  return hashes
}
