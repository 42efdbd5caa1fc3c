/*
 * Formats of annotations that are not read, by the marks that they begin with: to refuse one by its name says more than to
 * complain of its first row.
 */

interface Foreign {
  readonly what: string
  readonly mend: string
}

/** Of the first bytes, as Latin-1. */
const binary: readonly (readonly [mark: RegExp, foreign: Foreign])[] = [
  [
    /^x[\x9c\xda]/,
    {
      what: 'spaCy’s DocBin',
      mend: 'Write JSONL from Python: doc.to_json() for each of DocBin().from_disk(FILE).get_docs(nlp.vocab).',
    },
  ],
  [
    /^PAR1/,
    { what: 'Parquet', mend: 'Write it as JSONL, e.g. with pandas: to_json(NEW, orient="records", lines=True).' },
  ],
  [/^PK[^\w ]/, { what: 'a ZIP archive or a spreadsheet', mend: 'Unpack it, or save the sheet as CSV.' }],
  [/^%PDF/, { what: 'PDF', mend: 'Give its text.' }],
  [/^(\xff\xfe|\xfe\xff)/, { what: 'UTF-16 text', mend: 'Convert it: `iconv -f UTF-16 -t UTF-8 FILE > NEW`.' }],
]

/** Of the first line that is not blank. */
const textual: readonly (readonly [mark: RegExp, foreign: Foreign])[] = [
  [/^#FORMAT=WebAnno/, { what: 'WebAnno’s TSV', mend: 'Export CoNLL 2002 from WebAnno or INCEpTION, which is read.' }],
  [
    /^(T\d+\t\S+ \d+ \d+(;\d+ \d+)*\t|[REAMN*]\d*\t\S+ \S+:?[TE]\d+)/,
    { what: 'brat’s .ann', mend: 'Convert it with its .txt to CoNLL: brat’s tools/anntoconll.py does that.' },
  ],
  [
    /^\d+\|[ta]\|/,
    {
      what: 'PubTator',
      mend: 'Write JSONL: {"text": title + " " + abstract, "spans": [{"start": …, "end": …, "label": …}]}.',
    },
  ],
  [
    /^(<\?xml|<!DOCTYPE|<[a-zA-Z]+[ >])/,
    {
      what: 'XML, as BioC and TEI are written',
      mend: 'Convert it to JSONL: {"text": "…", "spans": [{"start": …, "end": …, "label": …}]}.',
    },
  ],
]

const named = (table: typeof binary, head: string) => table.find(([mark]) => mark.test(head))?.[1]

/** What a binary file looks like. */
export const foreignBytes = (bytes: Uint8Array): Foreign | undefined =>
  named(binary, Buffer.from(bytes.subarray(0, 16)).toString('latin1'))

/** What a text's first line looks like. */
export const foreignText = (firstLine: string): Foreign | undefined => named(textual, firstLine)
