/** Writes the sample: `node dist/sample/make.js [FOLDER]`, data/sample by default. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { splits } from './names.js'
import { makeSample, toConll } from './sample.js'

const folder = process.argv[2] ?? 'data/sample'
const sample = makeSample()
mkdirSync(folder, { recursive: true })
for (const split of splits) writeFileSync(join(folder, `${split}.conll`), toConll(sample[split]))
