/*
 * The public surface as a program uses it, in a project that has the packed tarball alone: type-checked and run by
 * test/slow/package.test.ts. Arguments: a folder with train.conll, dev.conll and test.conll, and one to write to.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import assert from 'node:assert/strict'
import Fastify from 'fastify'
import {
  corpusStats,
  evaluate,
  findDisagreements,
  finish,
  loadConfig,
  loadPredictor,
  loadServeSettings,
  matchDocuments,
  measureAgreement,
  NerError,
  nerPlugin,
  onReading,
  openService,
  parseDocuments,
  readDocuments,
  segment,
  splitDocuments,
  train,
  type Document,
  type Span,
  type TrainEvent,
  validate,
  writeDocuments,
} from 'ner'

const [data, out] = process.argv.slice(2) as [string, string]

// Read, look, write: what is told of columns goes to whoever listens.
const notes: string[] = []
const endNotes = onReading(({ note }) => notes.push(note))
const corpus = await readDocuments(join(data, 'test.conll'))
endNotes()
const span: Span = corpus.documents.flatMap(({ layers }) => layers['gold'] ?? [])[0]!
assert.equal(typeof span.label, 'string')
const { pieces, losses } = writeDocuments(corpus.documents, 'jsonl')
const again = parseDocuments(Buffer.from(pieces.join('')), 'again.jsonl')
assert.equal(again.documents.length, corpus.documents.length)
assert.deepEqual(losses, [])
assert.ok((await validate([join(data, 'test.conll')]))[0]!.findings.length >= 0)
assert.equal(corpusStats(corpus.documents).documents, corpus.documents.length)
assert.equal(splitDocuments(corpus.documents, { shares: [0.5, 0.5] }).flat().length, corpus.documents.length)

// Agreement of two annotators, of whom one has missed every second span.
const careless = corpus.documents.map((document): Document => ({
  ...document,
  layers: { gold: (document.layers['gold'] ?? []).filter((_, i) => i % 2 === 0) },
}))
const shared = matchDocuments(
  [
    { name: 'ann', file: 'ann.conll', documents: corpus.documents },
    { name: 'bob', file: 'bob.conll', documents: careless },
  ],
  segment,
)
assert.ok(findDisagreements(shared).length > 0)
assert.ok(measureAgreement(shared).pairs.length === 1)

// Train, evaluate, predict.
const config = loadConfig({
  overrides: {
    'data.train': join(data, 'train.conll'),
    'data.dev': join(data, 'dev.conll'),
    'training.epochs': 1,
    output: out,
  },
})
const events: TrainEvent['kind'][] = []
await finish(train(config), ({ kind }) => void events.push(kind))
assert.ok(events.includes('step') && existsSync(join(out, 'model.safetensors')))
const { argmax, characters } = await evaluate(out, join(data, 'test.conll'))
assert.ok(argmax.scores.micro.support > 0 && characters.gold > 0)
const predictor = await loadPredictor(out)
const [entities] = await predictor.predict(['Marie Curie was born in Warsaw.'])
for (const { word, start, end } of entities!) assert.equal('Marie Curie was born in Warsaw.'.slice(start, end), word)
await predictor.close()

// Serve: a plugin in an application of one's own, which closes what it opened.
const service = await openService(loadServeSettings(undefined, { model: out }))
const app = Fastify()
await app.register(nerPlugin, { prefix: '/entities', served: service.served })
app.addHook('preClose', () => service.drain())
app.addHook('onClose', () => service.close())
const address = await app.listen({ port: 0 })
const response = await fetch(`${address}/entities/v1/ner`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ text: 'Marie Curie was born in Warsaw.', offset_unit: 'utf16' }),
})
const { results } = (await response.json()) as { results: { entities: { start: number; end: number }[] }[] }
assert.deepEqual(
  results[0]!.entities.map(({ start, end }) => [start, end]),
  entities!.map(({ start, end }) => [start, end]),
)
await app.close()

// What a user can mend is a NerError, which names no flag.
writeFileSync(join(out, 'bad.conll'), 'Ann B-PER\nleft\n')
await assert.rejects(readDocuments(join(out, 'bad.conll')), (error) => {
  assert.ok(error instanceof NerError)
  assert.equal(error.code, 'data/bad-row')
  assert.doesNotMatch(error.message, /--[a-z]/)
  return true
})
process.stdout.write('done\n')
