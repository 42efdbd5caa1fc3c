/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

export interface JsonObject {
  readonly [key: string]: Json | undefined
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** TypeScript's own `Array.isArray` makes `any[]` of a readonly list. */
export const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)

/** Whether a field says anything: exporters write null for what is not there. */
export const isGiven = (value: Json | undefined): value is Exclude<Json, null> => value !== undefined && value !== null

/** Text or a number as text: what the tools use for ids and names. */
export const nameOf = (value: Json | undefined): string | undefined =>
  typeof value === 'number' || (typeof value === 'string' && value !== '') ? String(value) : undefined

/** The object without some of its keys. */
export const without = (object: JsonObject, keys: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))

/** A JSON list with an item a line. */
export function* jsonList(items: Iterable<unknown>): Generator<string> {
  const list = jsonListWriter()
  yield* list.write(items)
  yield* list.end()
}

/** The same, of items that come in pieces. */
export function jsonListWriter() {
  let before = '[\n'
  return {
    *write(items: Iterable<unknown>): Generator<string> {
      for (const item of items) {
        yield `${before}${JSON.stringify(item)}`
        before = ',\n'
      }
    },
    end: (): string[] => [before === '[\n' ? '[]\n' : '\n]\n'],
  }
}
