import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Document } from '../../../src/data/document.js'
import { parseDocuments } from '../../../src/data/read.js'
import { readConll } from '../../../src/data/formats/conll.js'
import type { ReadOptions } from '../../../src/data/source.js'

const read = (text: string, options: ReadOptions = {}) =>
  readConll({ name: 'f', base: 'f', lines: text.split('\n') }, options)

const found = ({ text, layers }: Document) =>
  (layers['gold'] ?? []).map(({ start, end, label }) => `${text.slice(start, end)} ${label}`)

interface Case {
  readonly rows: string
  readonly texts: readonly string[]
  readonly spans: readonly (readonly string[])[]
  /** What is said of columns. */
  readonly says?: string
  readonly losses?: readonly string[]
}

const cases: Readonly<Record<string, Case>> = {
  'WikiNEuRal: an index from 0': {
    rows: '0\tAnn\tB-PER\n1\tlives\tO\n2\tin\tO\n3\tOslo\tB-LOC\n\n0\tBob\tB-PER\n1\tLee\tI-PER\n',
    texts: ['Ann lives in Oslo', 'Bob Lee'],
    spans: [['Ann PER', 'Oslo LOC'], ['Bob Lee PER']],
    says: 'words in column 2, tags in column 3 of 3',
  },
  'GermEval: an index from 1, an outer and an inner layer, a source in a comment': {
    rows: '#\thttp://a.b\n1\tUni\tB-ORG\tO\n2\tBonn\tI-ORG\tB-LOC\n\n#\thttp://c.d\n1\tAnna\tB-PER\tO\n',
    texts: ['Uni Bonn', 'Anna'],
    spans: [['Uni Bonn ORG'], ['Anna PER']],
    says: 'words in column 2, tags in column 3 of 4; tags in column 4 are not read',
    losses: ['comments', 'further columns of tags'],
  },
  'FiNER: the outer layer before the inner': {
    rows: 'Shivo\tB-ORG\tB-PRO\nstarts\tO\tO\n',
    texts: ['Shivo starts'],
    spans: [['Shivo ORG']],
    says: 'words in column 1, tags in column 2 of 3; tags in column 3 are not read',
    losses: ['further columns of tags'],
  },
  'CoNLL-2003: phrases are no entities': {
    rows: 'EU NNP B-NP B-ORG\nrejects VBZ B-VP O\nGerman JJ B-NP B-MISC\n',
    texts: ['EU rejects German'],
    spans: [['EU ORG', 'German MISC']],
    says: 'words in column 1, tags in column 4 of 4',
    losses: ['columns that hold neither words nor tags'],
  },
  'CoNLL-U: entities in MISC, words that stand for several, comments': {
    rows: [
      '# sent_id = 1',
      '# text = Finn bor i Oslo',
      '1\tFinn\tFinn\tPROPN\t_\tGender=Masc\t2\tnsubj\t_\tname=B-PER',
      '2-3\tboris\t_\t_\t_\t_\t_\t_\t_\t_',
      '2\tbor\tbo\tVERB\t_\t_\t0\troot\t_\tname=O',
      '3\ti\ti\tADP\t_\t_\t4\tcase\t_\t_',
      '4\tOslo\tOslo\tPROPN\t_\t_\t2\tobl\t_\tSpaceAfter=No|name=B-GPE_LOC',
    ].join('\n'),
    texts: ['Finn bor i Oslo'],
    spans: [['Finn PER', 'Oslo GPE_LOC']],
    says: 'words in column 2, tags in column 10 of 10',
  },
  'CoNLL-U: tags in the tenth column': {
    rows: '1\tFinn\tFinn\tPROPN\t_\t_\t2\tnsubj\t_\tB-PER\n2\tbor\tbo\tVERB\t_\t_\t0\troot\t_\tO\n',
    texts: ['Finn bor'],
    spans: [['Finn PER']],
    says: 'words in column 2, tags in column 10 of 10',
  },
  'MultiCoNER: fillers, and an id in a comment': {
    rows: '# id 1f2\tdomain=en\nann _ _ B-PER\nleft _ _ O\n',
    texts: ['ann left'],
    spans: [['ann PER']],
    says: 'words in column 1, tags in column 4 of 4',
  },
  'HIPE: a header': {
    rows: 'TOKEN\tNE-COARSE-LIT\tNE-COARSE-METO\tNE-FINE-LIT\tMISC\n# date = 1890\nInes\tB-pers\tO\tB-pers.ind\t_\nrit\tO\tO\tO\tNoSpaceAfter\n',
    texts: ['Ines rit'],
    spans: [['Ines pers']],
    says: 'words in column 1, tags in column 2 of 5; tags in column 3, 4 are not read',
  },
  'MSRA: BMES, a character a row': {
    rows: '北 B-LOC\n海 M-LOC\n道 E-LOC\n王 S-PER\n',
    texts: ['北海道王'],
    spans: [['北海道 LOC', '王 PER']],
  },
  suffixes: { rows: 'Ann PER-B\nLee PER-I\nleft O\n', texts: ['Ann Lee left'], spans: [['Ann Lee PER']] },
  'lower-case prefixes': { rows: 'Ann b-PER\nLee i-PER\nleft o\n', texts: ['Ann Lee left'], spans: [['Ann Lee PER']] },
  'OntoNotes: brackets': {
    rows: [
      '#begin document (bc/a); part 000',
      'bc/a 0 0 Ann NNP (TOP(S(NP* - - - Speaker (PERSON* (ARG0* -',
      'bc/a 0 1 Lee NNP *) - - - Speaker *) *) -',
      'bc/a 0 2 left VBD (VP* leave 01 1 Speaker * (V*) -',
      'bc/a 0 3 Oslo NNP (NP*) - - - Speaker (GPE) (ARG1*) -',
      'bc/a 0 4 in IN (PP* - - - Speaker * * -',
      'bc/a 0 5 May NNP (NP*)))) - - - Speaker (DATE) * -',
      '#end document',
    ].join('\n'),
    texts: ['Ann Lee left Oslo in May'],
    spans: [['Ann Lee PERSON', 'Oslo GPE', 'May DATE']],
    says: 'words in column 4, tags in column 11 of 13',
  },
  'a comma between columns, a header, and sentences by their number': {
    rows: 'Sentence #,Word,POS,Tag\nSentence: 1,Ann,NNP,B-per\n,left,VBD,O\nSentence: 2,"Bonn, too",NNP,B-geo\n',
    texts: ['Ann left', 'Bonn, too'],
    spans: [['Ann per'], ['Bonn, too geo']],
    says: 'words in column 2, tags in column 4 of 4',
  },
}

describe('columns are told by what they hold', () => {
  it.each(Object.entries(cases))('%s', (_, { rows, texts, spans, says, losses }) => {
    const corpus = read(rows)
    expect(corpus.documents.map(({ text }) => text)).toEqual(texts)
    expect(corpus.documents.map(found)).toEqual(spans)
    expect(corpus.notes).toEqual(says === undefined ? [] : [says])
    if (losses) expect(corpus.losses.map(({ what }) => what)).toEqual(losses)
    // And the same where the format is told by the content.
    expect(parseDocuments(Buffer.from(rows), 'f').documents).toEqual(corpus.documents)
  })

  it('or as they are chosen, from 1', () => {
    const rows = 'Ann\tB-PER\tO\nlives\tO\tO\nOslo\tB-LOC\tB-ORG\n'
    expect(found(read(rows, { columns: { tag: 3 } }).documents[0]!)).toEqual(['Oslo ORG'])
    expect(() => read(rows, { columns: { tag: 4 } })).toThrow(/no column 4: the rows have 3/)
  })

  it('white space is no part of a label, whatever kind it is of', () => {
    const rows = 'a\tB-PER\u00A0\nb\tI-PER\u200B\nc\tI-PER \n'
    expect(found(read(rows).documents[0]!)).toEqual(['a b c PER'])
  })

  it('a file of numbers keeps them for words where there is nothing else', () => {
    expect(read('1\tB-NUM\n2\tO\n').documents[0]!.text).toBe('1 2')
  })

  it('a file in which no span is found is told as such', () => {
    expect(read('a\tO\nb\tO\n').notes).toEqual(['every tag is O: no span is found'])
  })

  it('words that begin with # are words', () => {
    expect(read('#\tO\n#Mars2020\tB-MISC\n').documents[0]!.text).toBe('# #Mars2020')
    expect(read('# O\nMars2020 B-MISC\n').documents[0]!.text).toBe('# Mars2020')
  })
})

describe('formats that are not read are refused by their names', () => {
  it.each([
    ['T1\tPER 0 3\tAnn\n', /brat’s \.ann/],
    ['#FORMAT=WebAnno TSV 3.3\n', /WebAnno/],
    ['123|t|A title\n123|a|Text\n', /PubTator/],
    ['<?xml version="1.0"?>\n<collection>\n', /BioC/],
    [zlib.deflateSync('spacy').toString('latin1'), /DocBin/],
    ['PAR1\0\0', /Parquet/],
  ])('%j', (content, message) => {
    const parse = () => parseDocuments(Buffer.from(content, 'latin1'), 'f')
    expect(parse).toThrow(message)
    expect(parse).toThrow(expect.objectContaining({ code: 'data/unknown-format' }) as Error)
  })
})
