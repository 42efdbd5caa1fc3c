import type { NerError } from '../../errors.js'
import { hashBytes } from '../../io/hash.js'
import { createPipeline, type Pipeline } from '../../pipeline/pipeline.js'
import type { Policies } from '../../pipeline/resolve.js'
import type { Stage } from '../../pipeline/stage.js'
import { type OpenedSource, openSources } from '../../sources/open.js'
import type { Loaded, Wanted } from './load-list.js'
import { listLoader } from './loader.js'
import type { ExactTexts } from './overrides.js'
import type { ListSettings, OverridesSettings } from './settings.js'

/** The layer of the model's own spans. */
export const modelLayer = 'model'

/** The layer of overrides. */
export const overridesLayer = 'overrides'

/** Everything but the model that an answer depends on, at one moment: it is never changed, only replaced. */
export interface Knowledge {
  readonly version: string
  readonly pipeline: Pipeline
  readonly exact: ExactTexts | undefined
  /** Whether the model's answer is all there is. */
  readonly isEmpty: boolean
}

export interface KnowledgeSettings {
  readonly lists: Readonly<Record<string, ListSettings>>
  readonly overrides: OverridesSettings | null
  readonly stages: readonly Stage[]
}

/** How a list stands, for metrics. */
export interface ListState {
  readonly name: string
  /** Milliseconds since the epoch when it was last found as it should be, changed or not. */
  checked: number
  reloads: number
  failures: number
  /** Why what is served is not what the source has. */
  failure: string | undefined
}

export interface KnowledgeKeeper {
  readonly current: Knowledge
  readonly states: readonly ListState[]
  /** Looks at every source now. */
  refresh(): Promise<void>
  close(): Promise<void>
}

/** Without lists there is the model's answer alone. */
const policiesOf = ({ lists, overrides }: KnowledgeSettings): Policies => ({
  ...(overrides !== null && { [overridesLayer]: 'force' as const }),
  ...Object.fromEntries(Object.entries(lists).map(([name, { policy }]) => [name, policy])),
  [modelLayer]: 'find',
})

/**
 * Reads lists and overrides, and looks at their sources again and again, off this thread. `onChange` is told of each new
 * whole; what cannot be read leaves the old, and is told to `onFailure`.
 *
 * @throws NerError `serve/bad-list` where a source cannot be read at the start
 */
// eslint-disable-next-line max-lines-per-function -- its short functions share what was read last
export async function keepKnowledge(
  settings: KnowledgeSettings,
  onChange: (knowledge: Knowledge) => void,
  onFailure: (error: NerError, name: string) => void,
): Promise<KnowledgeKeeper> {
  const wanted: Wanted[] = Object.entries(settings.lists).map(([name, own]) => ({ kind: 'list', name, settings: own }))
  if (settings.overrides !== null) {
    wanted.push({ kind: 'overrides', name: overridesLayer, settings: settings.overrides })
  }
  const loader = listLoader()
  const loaded = new Map<string, Loaded>()
  const sources = new Map<string, readonly OpenedSource[]>()
  const states = wanted.map(({ name }): ListState => ({
    name,
    checked: 0,
    reloads: 0,
    failures: 0,
    failure: undefined,
  }))
  let current: Knowledge

  function assemble(): Knowledge {
    const pipeline = createPipeline({
      sources: wanted.flatMap(({ name }) => sources.get(name) ?? []),
      policies: policiesOf(settings),
      stages: settings.stages,
    })
    const exact = loaded.get(overridesLayer)
    const version = hashBytes(Buffer.from(`${pipeline.version} ${exact?.seen.sha256 ?? ''}`)).slice(0, 16)
    const isEmpty = wanted.length === 0 && settings.stages.length === 0
    return { version, pipeline, exact: exact?.exact, isEmpty }
  }

  async function load(i: number): Promise<boolean> {
    const { name } = wanted[i]!
    const state = states[i]!
    const found = await loader.load(wanted[i]!, loaded.get(name)?.seen)
    state.checked = Date.now()
    state.failure = undefined
    if (found === undefined) return false
    const opened = found.names === undefined ? [] : await openSources(found.names)
    loaded.set(name, { ...found })
    sources.set(name, opened)
    state.reloads++
    return true
  }

  async function refresh(i: number): Promise<void> {
    try {
      if (!(await load(i)) || closed) return
      current = assemble()
      onChange(current)
    } catch (error) {
      if (closed) return
      states[i]!.failures++
      states[i]!.failure = (error as NerError).message
      onFailure(error as NerError, wanted[i]!.name)
    }
  }

  let closed = false
  const timers: NodeJS.Timeout[] = []
  try {
    for (const i of wanted.keys()) await load(i)
    current = assemble()
  } catch (error) {
    await loader.close()
    throw error
  }
  for (const [i, { settings: own }] of wanted.entries()) {
    const again = () => {
      timers[i] = setTimeout(
        () => void refresh(i).then(() => (closed ? undefined : again())),
        1000 * own.refresh_s,
      ).unref()
    }
    again()
  }
  return {
    get current() {
      return current
    },
    states,
    async refresh() {
      for (const i of wanted.keys()) await refresh(i)
    },
    async close() {
      closed = true
      for (const timer of timers) clearTimeout(timer)
      await loader.close()
    },
  }
}
