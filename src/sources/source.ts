/** The label of a span that says "not an entity". */
export const sentinelLabel = 'O'
