/**
 * The library: what a program needs to read, compare, label, train, evaluate, compress, predict and serve. Options have the
 * command line's defaults. What takes long is a {@link Job}. Errors that a user can mend are a {@link NerError}.
 */

// Documents
export type { Document, Sentence, SoftTags, Span, Token } from './data/document.js'
export { segment, type SegmentedDocument } from './data/segment.js'
export {
  type Corpus,
  type CorpusOptions,
  type Format,
  parseDocuments,
  readDocuments,
  isUnlabelled,
} from './data/read.js'
export { type Written, type WriteOptions, writeDocuments } from './data/write.js'
export { convert, type Conversion, type ConvertOptions } from './data/convert.js'
export { onReading, type ReadingNote } from './data/notes.js'
export { applyFixes, type FixedFile } from './data/checks/fix.js'
export type { Finding, Fix, Kind as FindingKind } from './data/checks/finding.js'
export { validate, type ValidatedFile, type ValidateOptions } from './data/checks/validate.js'
export { corpusStats, type CorpusStats, statsCounter, type StatsCounter } from './data/stats.js'
export { type DocumentBatch, streamDocuments, type StreamOptions } from './data/stream/documents.js'
export type { Cursor } from './data/parts.js'
export { splitDocuments, type SplitOptions } from './data/split.js'
export { type Scores, scoreSpans, scoreTags } from './data/scoring.js'
export type { Scheme } from './data/schemes.js'
export type { OffsetUnit } from './data/offsets.js'

// Annotators
export { type CorpusAgreement, measureAgreement } from './agreement/agree.js'
export { type Annotator, readAnnotators } from './agreement/annotators.js'
export { type Disagreement, findDisagreements } from './agreement/disagreements.js'
export { draftGuide } from './agreement/guide.js'
export { matchDocuments, type SharedCorpus } from './agreement/match.js'
export { mergeAnnotations } from './agreement/merge.js'
export { type Sample, sampleStratified } from './agreement/strata.js'

// Sources of spans, and label models
export type { SpanSource } from './sources/source.js'
export {
  createPipeline,
  entitiesOf,
  entityLayer,
  type Pipeline,
  type PipelineParts,
  withEntities,
} from './pipeline/pipeline.js'
export { type Policies, type Policy, resolve } from './pipeline/resolve.js'
export type { Stage } from './pipeline/stage.js'
export type { LabellingFunction } from './sources/module.js'
export { applyFunctions, type ApplyOptions, type LabelledPart } from './sources/apply.js'
export { prepare as prepareFunctions, type Prepared } from './sources/prepare.js'
export { openSources } from './sources/open.js'
export { analyseVotes, type VoteAnalysis } from './weak/analysis/analyse.js'
export { loadWeakConfig, type WeakConfig } from './weak/config.js'
export { fitWeakLabels, readVotes, type VotedCorpus, type WeakFit, type WeakLabels } from './weak/fit.js'
export { predictWeakLabels } from './weak/predict.js'

// Models
export { type ConfigSources, loadConfig } from './config/load.js'
export { type Config, defaults } from './config/schema.js'
export { train, type TrainEvent, type TrainOptions, type TrainResult } from './training/train.js'
export { distill } from './compress/distill/distill.js'
export { quantize, type QuantizeOptions } from './compress/quantize/quantize.js'
export type { Quantized } from './compress/quantize/result.js'
export { exportModel, type Exported, type ExportOptions } from './export/export.js'
export type { Manifest } from './export/manifest.js'
export { type DownloadEvent, locateModel } from './hub/model.js'
export { type Entity, loadPredictor, type Predictor } from './inference/predict.js'
export { bench, type Bench, type BenchOptions } from './evaluation/bench.js'
export { compareModels, type ModelProfile } from './evaluation/compare.js'
export { doubtLabels, type DoubtedCorpus } from './evaluation/doubt.js'
export { evaluate, type EvaluateOptions, type Evaluation, type FileEvaluation } from './evaluation/evaluate.js'
export { atLeast, atMost, failuresOf, type Gate } from './evaluation/gate.js'
export { leastSure, type UncertainSentence } from './evaluation/uncertainty.js'
export { createApp } from './serve/http/app.js'
export { nerPlugin, type NerPluginOptions } from './serve/http/plugin.js'
export { type NerService, openService, serve, type Server } from './serve/server.js'
export { loadServeSettings } from './serve/load.js'
export type { ServeSettings } from './serve/settings.js'

// The machine, and what is common to all
export { type Diagnosis, diagnose } from './doctor/doctor.js'
export type { Device } from './runtime/devices.js'
export { chooseDevice, type Probe, probe } from './runtime/probe.js'
export { type ErrorCode, NerError } from './errors.js'
export { finish, type Job } from './job.js'
