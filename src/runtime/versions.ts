import { readFileSync } from 'node:fs'
import './telemetry.js'
import { env } from 'onnxruntime-node'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** What a result depends on beside its inputs. */
export function versions(): Record<'ner' | 'onnxruntime' | 'node', string> {
  return { ner: version, onnxruntime: env.versions.node ?? env.versions.common, node: process.versions.node }
}
