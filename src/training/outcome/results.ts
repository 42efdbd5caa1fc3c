import { basename, join } from 'node:path'
import { writeJson } from '../../artifacts/json.js'
import type { Lineage, StoredScores } from '../../artifacts/lineage.js'
import { writeRunFile } from '../../artifacts/run-file.js'
import type { Config } from '../../config/schema.js'
import { toMetrics, type Metrics } from '../../data/scoring.js'
import type { WindowOptions } from '../../features/examples.js'
import type { MisalignedSpan } from '../../features/labels.js'
import type { Tokenizer } from '../../features/tokenizer.js'
import { writeFileAtomically } from '../../io/write.js'
import { isOnHub } from '../../hub/name.js'
import type { HubConfig } from '../../models/encoder.js'
import { saveModel } from '../../artifacts/model.js'
import { countParameters, type ParameterData } from '../../models/parameters.js'
import { taggerParameters, type Tagger } from '../../models/tagger.js'
import { trainingReport } from '../../report/report.js'
import { versions } from '../../runtime/versions.js'
import type { Progress } from '../checkpoint.js'
import type { Split, TrainingCorpus } from '../corpus.js'
import type { RunResults } from '../events.js'
import type { LogEntry } from '../log.js'
import { writeMisaligned } from '../../evaluation/misaligned.js'
import { evaluationData, type Evaluation, type ScoredDocument } from '../../evaluation/emissions.js'
import { modelCard } from './model-card.js'
import { roundsOf } from '../teachers/rounds.js'

/** A finished training, about to be written down. */
export interface FinishedRun {
  readonly config: Config
  readonly corpus: TrainingCorpus
  readonly tagger: Tagger
  readonly tokenizer: Tokenizer
  readonly encoderConfig: HubConfig
  /** Where the model comes from, as the beginning of a sentence. */
  readonly origin: string
  /** The same for programs: names and hashes of the models it was made from. */
  readonly lineage: Lineage
  readonly weights: ParameterData
  readonly windows: Required<WindowOptions>
  readonly progress: Progress
  readonly totalSteps: number
  readonly dev: ScoredSplit | undefined
  readonly test: ScoredSplit | undefined
}

interface ScoredSplit {
  readonly evaluation: Evaluation
  readonly predictions: readonly ScoredDocument[]
}

/** Writes the model folder and what is said of the run. `run.json` comes last: with it the run is finished. */
export function writeRun(run: FinishedRun): RunResults {
  const { config, corpus, tagger, windows, progress, dev, test } = run
  const { output } = config
  const rounds = roundsOf(progress.log)
  const shown = shownSplit(run)
  const results: RunResults = {
    epoch: progress.log.at(-1)?.epoch ?? 0,
    global_step: progress.step,
    train_runtime: progress.elapsed / 1000,
    train_loss: meanLoss(progress.log),
    ...(dev && splitMetrics('eval', dev.evaluation)),
    ...(test && splitMetrics('test', test.evaluation)),
    ...(rounds.length > 0 && { self_training: rounds }),
  }
  const data = Object.fromEntries(
    (['train', 'dev', 'test'] as const).flatMap((split) =>
      corpus[split] ? [[split, { file: basename(config.data[split]!), sha256: corpus[split].hash }]] : [],
    ),
  )
  const lineage: Lineage = {
    ...run.lineage,
    data,
    scores: shown && storedScores(shown),
    seed: config.seed,
    config,
    versions: versions(),
  }
  saveModel(output, {
    config: run.encoderConfig,
    tagger,
    tokenizer: run.tokenizer,
    weights: run.weights,
    ner: {
      scheme: config.model.scheme,
      window: windows.window,
      context: windows.context,
      contextPieces: windows.contextPieces,
      lineage: { ...lineage, config: portable(config) },
    },
  })
  writeJson(join(output, 'all_results.json'), results)
  writeJson(join(output, 'trainer_state.json'), trainerState(run))
  writeFileAtomically(join(output, 'report.html'), report(run))
  writeFileAtomically(
    join(output, 'README.md'),
    modelCard({
      name: basename(output),
      tagger,
      origin: `${run.origin} with seed ${config.seed}`,
      data,
      scored: shown && {
        on: shown.split,
        scores: (shown.evaluation.crf ?? shown.evaluation.argmax).scores,
        argmax: shown.evaluation.crf && shown.evaluation.argmax.scores,
      },
      hasWeights: true,
    }),
  )
  writeRunFile(output, {
    ...lineage,
    device: config.device,
    parameters: countParameters(taggerParameters(tagger)),
    steps: progress.step,
    best: progress.best ?? null,
    metrics: results,
    seconds: progress.elapsed / 1000,
  })
  return results
}

/** Lists in the output folder what each split had to leave out, where it had to. */
export function writeLeftOut(
  output: string,
  splits: Readonly<Record<Split, { readonly misaligned: readonly MisalignedSpan[] } | undefined>>,
): void {
  const spans = (['train', 'dev', 'test'] as const).flatMap((split) =>
    (splits[split]?.misaligned ?? []).map((span) => ({ split, ...span })),
  )
  if (spans.length > 0) writeMisaligned(join(output, 'misaligned.jsonl'), spans)
}

/** The model's own decoding under the plain names; the other ways of decoding and matching beside it. */
function splitMetrics(prefix: 'eval' | 'test', { crf, argmax }: Evaluation): Record<string, Metrics[string]> {
  const own = crf ?? argmax
  const named = (metrics: Metrics) =>
    Object.entries(metrics).map(([name, value]) => [`${prefix}_${name}`, value] as const)
  return Object.fromEntries([
    ...named(toMetrics(own.scores)),
    [`${prefix}_conlleval_f1`, own.conlleval.micro.f1],
    [`${prefix}_argmax_f1`, argmax.scores.micro.f1],
    [`${prefix}_argmax_conlleval_f1`, argmax.conlleval.micro.f1],
  ])
}

function meanLoss(log: readonly LogEntry[]): number {
  const losses = log.flatMap(({ loss }) => (loss === undefined ? [] : [loss]))
  return losses.reduce((sum, loss) => sum + loss, 0) / Math.max(1, losses.length)
}

/** The parts of HF's TrainerState that tools read. */
function trainerState({ config, progress, totalSteps }: FinishedRun) {
  return {
    best_metric: progress.best?.f1 ?? null,
    best_global_step: progress.best?.step ?? progress.step,
    best_model_checkpoint: null,
    epoch: progress.log.at(-1)?.epoch ?? 0,
    global_step: progress.step,
    max_steps: totalSteps,
    num_train_epochs: config.training.epochs,
    train_batch_size: config.training.batch_sentences,
    log_history: progress.log,
  }
}

const storedScores = ({
  split,
  evaluation: { crf, argmax },
}: {
  split: Split
  evaluation: Evaluation
}): StoredScores => ({
  on: split,
  f1: (crf ?? argmax).scores.micro.f1,
  ...(crf && { argmax_f1: argmax.scores.micro.f1 }),
})

/** The configuration without this machine's paths. */
function portable(config: Config): Config {
  const name = (path: string | null) => (path === null ? null : basename(path))
  const names = (paths: readonly string[]) => paths.map((path) => basename(path))
  const model = (path: string | null) => (isOnHub(path ?? '') ? path : name(path))
  const { data, self_training: selfTraining, distill } = config
  return {
    ...config,
    output: basename(config.output),
    data: { ...data, train: name(data.train), dev: name(data.dev), test: name(data.test) },
    model: { ...config.model, path: model(config.model.path) },
    self_training: { ...selfTraining, unlabeled: names(selfTraining.unlabeled) },
    distill: {
      ...distill,
      path: model(distill.path),
      unlabeled: names(distill.unlabeled),
      gazetteer: name(distill.gazetteer),
    },
  }
}

/** What people are shown first: the test set's scores, or, without one, the dev set's. */
const shownSplit = ({ dev, test }: FinishedRun) =>
  test ? { split: 'test' as const, ...test } : dev ? { split: 'dev' as const, ...dev } : undefined

function report(run: FinishedRun): string {
  const { config, corpus, tagger, progress, origin } = run
  const shown = shownSplit(run)
  return trainingReport({
    title: basename(config.output),
    steps: progress.log.flatMap(({ step, loss, learning_rate: learningRate }) =>
      loss === undefined ? [] : [{ step, loss, learningRate: learningRate ?? 0 }],
    ),
    devScores: progress.log.flatMap(({ step, eval_overall_f1: f1 }) => (f1 === undefined ? [] : [{ step, f1 }])),
    rounds: roundsOf(progress.log).map((round) => ({
      round: round.round,
      f1: round.eval_overall_f1,
      confident: round.confident_words,
    })),
    evaluation: shown && { split: shown.split, ...evaluationData(shown.evaluation, shown.predictions) },
    run: {
      device: config.device,
      seconds: (progress.elapsed / 1000).toFixed(0),
      parameters: countParameters(taggerParameters(tagger)).toLocaleString('en'),
      ...versions(),
    },
    lineage: {
      origin,
      ...Object.fromEntries(
        (['train', 'dev', 'test'] as const).flatMap((split) =>
          corpus[split] ? [[split, `${basename(config.data[split]!)} (${corpus[split].hash.slice(0, 12)})`]] : [],
        ),
      ),
      seed: String(config.seed),
    },
    config,
  })
}
