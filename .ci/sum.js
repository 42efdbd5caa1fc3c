// Prints the closing line from the counts of all runs; exits 1 where a test failed or none ran.
import { readFileSync } from 'node:fs'

const runs = readFileSync(process.argv[2], 'utf8').trim().split('\n').filter(Boolean).map(JSON.parse)
const total = (state) => runs.reduce((sum, counts) => sum + counts[state], 0)

console.log(`${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped`)
if (total('failed') > 0 || total('passed') === 0) process.exitCode = 1
