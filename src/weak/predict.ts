import { NerError } from '../errors.js'
import { readVotes, type VotedCorpus, type WeakLabels } from './fit.js'
import { labeller } from './models/label-model.js'
import { readLabelModel, type NamedLabelModel } from './models/model-file.js'

/**
 * Labels voted documents by a label model that was fitted before, to other votes of the same functions. A type that
 * nobody votes for here is none the less known.
 *
 * Throws `weak/different-votes` naming the first difference, and what `readLabelModel` and `readVotes` throw.
 */
export async function predictWeakLabels(file: string, files: readonly string[]): Promise<WeakLabels> {
  const saved = readLabelModel(file)
  const corpus = await readVotes(files, { labels: saved.labels })
  checkNames(saved, corpus, file)
  return { corpus, model: saved.model, label: labeller(corpus.evidence, saved.model) }
}

function checkNames(saved: NamedLabelModel, { evidence: { votes } }: VotedCorpus, file: string): void {
  const differ = (what: string, mend: string) => new NerError('weak/different-votes', what, { where: file, mend })
  const again = 'Vote with the configuration that the model was fitted to, or fit a model to these votes.'
  const silent = saved.sources.find((name) => !votes.sources.includes(name))
  if (silent !== undefined) throw differ(`The votes have no layer of ${silent}, which the model weighs.`, again)
  const unknown = votes.sources.find((name) => !saved.sources.includes(name))
  if (unknown !== undefined) throw differ(`The votes have a layer of ${unknown}, which the model does not know.`, again)
  const label = votes.labels.find((name) => !saved.labels.includes(name))
  if (label !== undefined) throw differ(`Functions vote for ${label}, which the model does not know.`, again)
}
