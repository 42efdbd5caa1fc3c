import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'

/** A model on the hub, at a branch, a tag or a commit. */
export interface HubName {
  readonly name: string
  readonly revision: string
}

/** As the hub lets an owner and a repository be called; no path that begins with `.`, `/` or `~` is of this form. */
const part = '[A-Za-z0-9_][\\w.-]{0,95}'
const form = new RegExp(`^(?<name>${part}/${part})(?:@(?<revision>[\\w./-]+))?$`)

/** Reads `org/name` or `org/name@revision`; undefined for anything else. The revision is `main` by default. */
export function parseHubName(text: string): HubName | undefined {
  const { name, revision = 'main' } = form.exec(text)?.groups ?? {}
  if (name === undefined || /--|\.\.|\.git$/.test(name) || revision.split('/').some(isNoRef)) return undefined
  return { name, revision }
}

/** Git refuses such parts in the name of a branch; here they would lead out of the cache. */
const isNoRef = (part: string) => part === '' || part.startsWith('.')

/** What a model's folder is called, and of which commit it is, where it is a snapshot in the hub's cache. */
export function originOf(folder: string): { readonly name: string; readonly commit?: string } {
  const { owner, name, commit } = snapshot.exec(resolve(folder))?.groups ?? {}
  return commit === undefined ? { name: basename(folder) } : { name: `${owner}/${name}`, commit }
}

const snapshot = /[\\/]models--(?<owner>[\w.-]+?)--(?<name>[\w.-]+)[\\/]snapshots[\\/](?<commit>[0-9a-f]{40})$/

/** Whether a path is a name on the hub. A file or folder that is there always wins. */
export const isOnHub = (path: string) => !existsSync(path) && parseHubName(path) !== undefined
