import { describe, expect, it, vi } from 'vitest'
import { ner } from './invoke.js'

describe('bad usage ends with 2, says what is wrong and how to mend it, and prints no result', () => {
  const cases: [line: string, message: RegExp][] = [
    ['traim', /no command traim.*mean train\?/s],
    ['zzz', /no command zzz.*ner --help/s],
    ['constructor', /no command constructor/],
    ['--zzz', /no flag or argument zzz here/],
    ['train', /argument is missing: ner train <config>/],
    ['eval m', /argument is missing: ner eval <model> <data>/],
    ['eval m d e', /no flag or argument e here/],
    ['train c.yaml --resum', /mean --resume\?/],
    ['predict m --jsom', /mean --json\?/],
    ['predict m text --json --conll', /--json and --conll exclude each other/],
    ['predict m text --input file', /texts both/],
    ['predict m --input none.txt --threads x', /--threads takes a number/],
    ['eval m d --min-f1', /--min-f1 needs a value/],
    ['eval m d --min-f1 x', /--min-f1 takes a number/],
    ['eval m d --min-f1 90', /from 0 to 1, not 90.*--min-f1 0\.9/s],
    ['eval m d --min-f1 0.9 --min-f1 0.8', /--min-f1 is given twice/],
    ['eval m d --scheme BIO', /--scheme is "BIO", but takes "auto", "IOB2"/],
    ['train none.yaml', /no such file.*none\.yaml/s],
    ['train configs/default.yaml --set training.epochz=3', /mean training\.epochs\?/],
    ['train configs/default.yaml --set seed', /A setting is key=value/],
  ]
  it.each(cases)('ner %s', async (line, message) => {
    const { code, stdout, stderr } = await ner(...line.split(' '))
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/\[(usage|config|file)\/[\w-]+\]/)
    expect(stderr).not.toMatch(/^ {4}at /m)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  it('shows the stack where NER_DEBUG=1 asks for it', async () => {
    vi.stubEnv('NER_DEBUG', '1')
    const { stderr } = await ner('traim')
    vi.unstubAllEnvs()
    expect(stderr).toMatch(/^ {4}at /m)
  })
})
