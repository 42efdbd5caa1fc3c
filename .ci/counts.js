import { appendFileSync } from 'node:fs'

/** A vitest reporter: says why tests were skipped, and appends a run's counts to the file NER_TEST_COUNTS, a line of JSON. */
export default class Counts {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      // A file that could not be loaded has no tests to fail.
      if (module.errors().length > 0) counts.failed++
      for (const test of module.children.allTests()) {
        const { state, note } = test.result()
        counts[state === 'passed' || state === 'failed' ? state : 'skipped']++
        if (state === 'skipped') console.log(`skipped: ${test.fullName}${note === undefined ? '' : `: ${note}`}`)
      }
    }
    appendFileSync(process.env.NER_TEST_COUNTS, `${JSON.stringify(counts)}\n`)
  }
}
