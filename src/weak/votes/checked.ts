import { alignSpans } from '../../data/align.js'
import { goldLayer } from '../../data/document.js'
import { NerError } from '../../errors.js'
import { misalignedSpans } from '../../features/labels.js'
import type { SegmentedDocument } from '../../data/segment.js'
import { stateOfTag, type Votes } from './votes.js'

/**
 * Types of the gold layer. Throws `weak/no-checked` where no document has one, `data/misaligned-span` where a span of it
 * is no run of words: it would be learnt from as no entity.
 */
export function checkedLabels(documents: readonly SegmentedDocument[], name: string): string[] {
  const checked = documents.filter(({ layers }) => layers[goldLayer] !== undefined)
  if (checked.length === 0) {
    throw new NerError('weak/no-checked', 'The checked set has no labels.', {
      where: name,
      mend: 'Give documents that people have labelled, with the votes in their layers: ner weak apply keeps labels.',
    })
  }
  misalignedSpans(documents, { layer: goldLayer, onMisaligned: 'error', path: name })
  return [...new Set(checked.flatMap(({ layers }) => layers[goldLayer]!.map(({ label }) => label)))].sort()
}

/**
 * The state of every word of checked documents, -1 elsewhere. `documents` are all that the votes were collected from;
 * `isChecked` says of which the gold layer may be looked at.
 */
export function knownStates(
  documents: readonly SegmentedDocument[],
  votes: Votes,
  isChecked: (document: number) => boolean,
): Int32Array {
  const known = new Int32Array(votes.words.length).fill(-1)
  for (const [index, { layers, tokens }] of documents.entries()) {
    const gold = layers[goldLayer]
    if (gold === undefined || !isChecked(index)) continue
    const first = votes.chains[votes.documents[index]!]!
    known.fill(0, first, first + tokens.length)
    for (const { start, end, label } of alignSpans(gold, tokens).words)
      for (let word = start; word < end; word++) known[first + word] = stateOfTag(votes.labels, label, word > start)
  }
  return known
}
