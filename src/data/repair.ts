import { NerError } from '../errors.js'
import { firstIllegalTag, schemes, spansFromTags, tagsFromSpans, type Scheme, type WordSpan } from './schemes.js'

/** A sentence's tags, read as the conlleval script reads them, and spelled as the scheme spells them. */
export interface RepairedTags {
  readonly spans: readonly WordSpan[]
  readonly tags: readonly string[]
}

/** No tag but `O` is left out: an orphan or a change of label begins a span. */
export function repairTags(tags: readonly string[], scheme: Scheme): RepairedTags {
  const spans = spansFromTags(tags, scheme, 'conlleval')
  return { spans, tags: tagsFromSpans(spans, tags.length, scheme) }
}

/**
 * The scheme that the fewest tags would have to be changed for, for files whose tags break every scheme somewhere.
 * Throws `data/unknown-scheme` on what is no tag, or a prefix that no scheme has.
 */
export function closestScheme(sentences: readonly (readonly string[])[]): Scheme {
  const changes = (scheme: Scheme) =>
    sentences.reduce((sum, tags) => {
      const repaired = repairTags(tags, scheme).tags
      return sum + repaired.filter((tag, i) => tag !== tags[i]).length
    }, 0)
  const foreign = sentences.flat().find((tag) => !/^(O|[BIESLU]-.+)$/s.test(tag))
  if (foreign !== undefined) {
    throw new NerError('data/unknown-scheme', `No scheme has the tag ${foreign}.`, { mend: 'Write O, B-PER or I-PER.' })
  }
  return schemes
    .map((scheme) => ({ scheme, cost: changes(scheme) }))
    .reduce((best, other) => (other.cost < best.cost ? other : best)).scheme
}

/** Tags that a sentence cannot have under its scheme, and what they should be; none where the sentence is legal. */
export function tagMends(tags: readonly string[], scheme: Scheme): { readonly token: number; readonly tag: string }[] {
  if (firstIllegalTag(tags, scheme) < 0) return []
  const repaired = repairTags(tags, scheme).tags
  return repaired.flatMap((tag, token) => (tag === tags[token] ? [] : [{ token, tag }]))
}

/**
 * How many spans begin with `I-` where IOB2 would write `B-`, in tags that are IOB2 but for these; undefined where other
 * tags are wrong, too. seqeval and the conlleval script read such a tag as the beginning that it stands for.
 */
export function strayTags(sentences: readonly (readonly string[])[]): number | undefined {
  let strays = 0
  for (const tags of sentences) {
    for (const [i, tag] of tags.entries()) {
      if (!/^(O$|[BI]-)/.test(tag)) return undefined
      if (tag.startsWith('I-') && tags[i - 1]?.slice(2) !== tag.slice(2)) strays++
    }
  }
  return strays
}
