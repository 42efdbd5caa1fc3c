import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** What the environment says of the hub, by the variables that Python's huggingface_hub reads. */
export interface HubSettings {
  readonly endpoint: string
  readonly offline: boolean
  readonly token: Token | undefined
}

interface Token {
  readonly value: string
  /** The variable or the file that it is from. */
  readonly source: string
}

export function hubSettings(env: NodeJS.ProcessEnv = process.env): HubSettings {
  return {
    endpoint: (env['HF_ENDPOINT'] ?? 'https://huggingface.co').replace(/\/+$/, ''),
    offline: /^(1|on|yes|true)$/i.test(env['HF_HUB_OFFLINE'] ?? ''),
    token: tokenOf(env),
  }
}

/** `HF_TOKEN`, else what `hf auth login` has written. */
function tokenOf(env: NodeJS.ProcessEnv): Token | undefined {
  const given = env['HF_TOKEN']?.trim()
  if (given) return { value: given, source: 'HF_TOKEN' }
  const home = env['HF_HOME'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'huggingface')
  const file = env['HF_TOKEN_PATH'] ?? join(home, 'token')
  try {
    const value = readFileSync(file, 'utf8').trim()
    return value === '' ? undefined : { value, source: file }
  } catch {
    return undefined
  }
}
