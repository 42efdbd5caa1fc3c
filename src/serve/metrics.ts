import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Batcher, BatchRun } from './batcher.js'
import type { EngineProcess } from './engine-process.js'
import type { ListState } from './lists/knowledge.js'
import type { Answered, Recognizer } from './recognizer.js'

export interface Metrics {
  request(route: string, status: number, milliseconds: number): void
  answer(answer: Answered): void
  batch(run: BatchRun): void
  /** In Prometheus' text format. */
  text(): Promise<string>
  readonly contentType: string
}

const seconds = [
  0.0005, 0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
]

/** What the server counts. Labels have few values each: routes, statuses, stages. */
export function createMetrics(
  batcher: () => Batcher,
  engines: readonly EngineProcess[],
  recognizer: () => Recognizer,
  lists: () => readonly ListState[] = () => [],
): Metrics {
  const registers = [new Registry()]
  const [registry] = registers
  const requests = new Histogram({
    name: 'ner_request_seconds',
    help: 'Time of requests, by route and status.',
    labelNames: ['route', 'status'] as const,
    buckets: seconds,
    registers,
  })
  const stages = new Histogram({
    name: 'ner_stage_seconds',
    help: 'Time of computed answers, by stage.',
    labelNames: ['stage'] as const,
    buckets: seconds,
    registers,
  })
  const texts = new Counter({
    name: 'ner_texts_total',
    help: 'Texts answered, by how the cache served them.',
    labelNames: ['cache'] as const,
    registers,
  })
  const entities = new Counter({
    name: 'ner_entities_total',
    help: 'Entities found, by type.',
    labelNames: ['type'] as const,
    registers,
  })
  const batches = new Histogram({
    name: 'ner_batch_sentences',
    help: 'Sentences in a batch.',
    buckets: [1, 2, 3, 4, 6, 8, 12, 16, 32, 64],
    registers,
  })
  const failed = new Counter({ name: 'ner_batches_failed_total', help: 'Batches that failed.', registers })
  stateGauges({ batcher, engines, recognizer }, registers)
  listGauges(lists, registers)
  return {
    request: (route, status, milliseconds) => requests.observe({ route, status: String(status) }, milliseconds / 1000),
    answer({ cache, labels, stages: own }) {
      texts.inc({ cache })
      for (const type of labels) entities.inc({ type })
      if (cache !== 'miss') return
      for (const [stage, milliseconds] of Object.entries(own))
        stages.observe({ stage }, (milliseconds as number) / 1000)
    },
    batch({ examples, failed: hasFailed }) {
      batches.observe(examples)
      if (hasFailed) failed.inc()
    },
    text: () => registry!.metrics(),
    contentType: registry!.contentType,
  }
}

const isStale = ({ failure }: ListState): number => (failure === undefined ? 0 : 1)

function listGauges(lists: () => readonly ListState[], registers: Registry[]): void {
  const perList: readonly (readonly [name: string, help: string, value: (list: ListState) => number])[] = [
    ['ner_list_stale', '1 where the source of a list cannot be read, and what was read before is served.', isStale],
    ['ner_list_failures', 'Times that the source of a list could not be read.', ({ failures }) => failures],
    ['ner_list_reloads', 'Times that a list was read.', ({ reloads }) => reloads],
    ['ner_list_checked_seconds', 'When the source of a list was last read well.', ({ checked }) => checked / 1000],
  ]
  for (const [name, help, value] of perList) {
    new Gauge({
      name,
      help,
      labelNames: ['list'] as const,
      registers,
      collect() {
        for (const list of lists()) this.set({ list: list.name }, value(list))
      },
    })
  }
}

/** What is looked at when it is asked for. */
interface Watched {
  readonly batcher: () => Batcher
  readonly engines: readonly EngineProcess[]
  readonly recognizer: () => Recognizer
}

function stateGauges({ batcher, engines, recognizer }: Watched, registers: Registry[]): void {
  const gauges: readonly (readonly [name: string, help: string, value: () => number])[] = [
    ['ner_queue_sentences', 'Sentences that wait for an engine.', () => batcher().load.waiting],
    ['ner_texts_open', 'Texts without an answer yet.', () => batcher().load.texts],
    ['ner_engines_ready', 'Engines that take batches.', () => engines.filter(({ ready }) => ready).length],
    [
      'ner_engines_replaced',
      'Engines replaced since the start.',
      () => engines.reduce((sum, it) => sum + it.replaced, 0),
    ],
    ['ner_cache_answers', 'Answers kept.', () => recognizer().cache.answers],
    ['ner_cache_bytes', 'Bytes of answers kept, roughly.', () => recognizer().cache.bytes],
    ['ner_resident_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss()],
  ]
  for (const [name, help, value] of gauges) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  }
}
