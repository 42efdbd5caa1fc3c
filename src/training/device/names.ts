/** What is kept from step to step, and what an update gives in its place. */
export const nextOutput = (state: string) => `next.${state}`

export const moments = ['first', 'second'] as const
export const momentName = (moment: (typeof moments)[number], parameter: string) => `${moment}.${parameter}`
