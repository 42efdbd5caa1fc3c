import { readAnnotators } from '../../agreement/annotators.js'
import { draftGuide } from '../../agreement/guide.js'
import { matchDocuments } from '../../agreement/match.js'
import { segment } from '../../data/segment.js'
import { writeFileAtomically } from '../../io/write.js'
import { aloneLines } from '../agreement-tables.js'
import { defineCommand, exit } from '../command.js'
import { writeData } from '../output.js'
import { during } from '../progress.js'
import { tell } from '../../terminal.js'

export const command = defineCommand({
  positionals: {
    files: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'Labelled text; of several annotators, their disagreements become worked examples',
    },
  },
  options: {
    out: { type: 'string', describe: 'Write the guide to this Markdown file, not to standard output' },
  },
  examples: [
    ['ner data guide ann.jsonl bob.jsonl --out guide.md', 'with what Ann and Bob confuse'],
    ['ner data guide labelled.conll', 'from labels alone'],
  ],
  async run(args) {
    const annotators = await during('reading', readAnnotators(args.files))
    const documents = annotators.flatMap((annotator) => annotator.documents)
    const shared = annotators.length > 1 ? matchDocuments(annotators, segment) : undefined
    const guide = draftGuide(documents, shared)
    if (args.out === undefined) await writeData(guide)
    else writeFileAtomically(args.out, guide)
    for (const line of shared ? aloneLines(shared) : []) tell(`${line}\n`)
    return exit.done
  },
})
