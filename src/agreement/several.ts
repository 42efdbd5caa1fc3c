import { agreeingPairs, disagreeingPairs, fleiss, krippendorff, type NominalSums } from './coefficients.js'
import { type Estimate, estimate, type Resampling } from './estimate.js'
import { type Codes, labelUnits, typeOfCode, type Unit } from './labels.js'
import type { SharedCorpus } from './match.js'
import { forVariants, type Variant, variants } from './pair.js'
import { type RowBuilder, rowBuilder } from './rows.js'

/** How all annotators agree at once. */
export interface CommonAgreement {
  /** Documents that everybody has labelled: those of Fleiss' kappa. */
  readonly labelledByAll: number
  /** Without a value where nothing was labelled by all, or everything has one label. */
  readonly fleiss: Readonly<Record<Variant, Estimate>>
  /** Of all documents; labels may be missing. */
  readonly krippendorff: Readonly<Record<Variant, Estimate>>
}

/** Columns of a variant's sums: how many units, their pairs, then each label's count. One block for each coefficient. */
interface Block {
  readonly coefficient: 'fleiss' | 'krippendorff'
  readonly variant: Variant
  readonly from: number
  readonly labels: number
}

/** Fleiss' kappa and Krippendorff's alpha of three or more annotators, by document resampled as those of pairs are. */
export function commonAgreement(
  { annotators, documents }: SharedCorpus,
  types: readonly string[],
  unit: Unit,
  resampling: Resampling,
): CommonAgreement {
  const index = new Map(types.map((type, i) => [type, i]))
  const { blocks, columns } = layOut(types.length)
  const builder = rowBuilder(columns)
  let labelledByAll = 0
  for (const document of documents) {
    const present = labelUnits(document, index, unit).filter((codes) => codes !== undefined)
    const isByAll = present.length === annotators.length
    if (isByAll) labelledByAll++
    for (const block of blocks) {
      if (isByAll || block.coefficient === 'krippendorff') addDocument(builder, block, present)
    }
    builder.end()
  }
  const estimates = estimate(
    builder.rows(),
    (sums) =>
      Object.fromEntries(
        blocks.map(({ coefficient, variant, from, labels }) => {
          const nominal = {
            units: sums[from]!,
            pairs: sums[from + 1]!,
            labels: sums.subarray(from + 2, from + 2 + labels),
          }
          return [`${coefficient} ${variant}`, coefficients[coefficient](nominal)]
        }),
      ),
    resampling,
  )
  return {
    labelledByAll,
    fleiss: forVariants((variant) => estimates[`fleiss ${variant}`]!),
    krippendorff: forVariants((variant) => estimates[`krippendorff ${variant}`]!),
  }
}

const coefficients: Record<Block['coefficient'], (sums: NominalSums) => number> = { fleiss, krippendorff }
const pairsOf: Record<Block['coefficient'], (squares: number, raters: number) => number> = {
  fleiss: agreeingPairs,
  krippendorff: disagreeingPairs,
}

function layOut(types: number): { readonly blocks: readonly Block[]; readonly columns: number } {
  let columns = 0
  const blocks = (['fleiss', 'krippendorff'] as const).flatMap((coefficient) =>
    variants.map((variant) => {
      const labels = isOfTypes(variant) ? types + 1 : 2 * types + 1
      const from = columns
      columns += 2 + labels
      return { coefficient, variant, from, labels }
    }),
  )
  return { blocks, columns }
}

const isOfTypes = (variant: Variant) => variant === 'types' || variant === 'typesWithoutO'
const isWithoutO = (variant: Variant) => variant === 'tagsWithoutO' || variant === 'typesWithoutO'

/** Adds the units of a document that all of `present` have labelled. */
function addDocument(
  builder: RowBuilder,
  { coefficient, variant, from, labels }: Block,
  present: readonly Codes[],
): void {
  const raters = present.length
  const given = new Int32Array(labels)
  const label = isOfTypes(variant) ? typeOfCode : (code: number) => code
  for (let unit = 0; unit < present[0]!.length; unit++) {
    given.fill(0)
    for (const codes of present) given[label(codes[unit]!)]!++
    if (given[0] === raters && isWithoutO(variant)) continue
    let squares = 0
    for (let c = 0; c < labels; c++) {
      if (given[c] === 0) continue
      squares += given[c]! * given[c]!
      builder.add(from + 2 + c, given[c]!)
    }
    builder.add(from, 1)
    builder.add(from + 1, pairsOf[coefficient](squares, raters))
  }
}
