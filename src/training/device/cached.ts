/** Graphs by what they were built for, each built when it is first asked for. */
export function cached<T>() {
  const made = new Map<string, Promise<T>>()
  return Object.assign(
    (key: string, make: () => Promise<T>): Promise<T> => {
      if (!made.has(key)) made.set(key, make())
      return made.get(key)!
    },
    { all: () => Promise.all(made.values()) },
  )
}
