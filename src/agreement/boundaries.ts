import { type Document, goldLayer, type Span } from '../data/document.js'

/** A question that every guide has to answer: does this belong to the span? */
interface BoundaryRule {
  readonly question: string
  /** Found in a span, and right before or after one. */
  readonly inside: RegExp
  readonly before?: RegExp
  readonly after?: RegExp
}

const titles = String.raw`(?:Mrs?|Ms|Dr|Prof|Sir|Lord|Lady|President|Minister|Judge|King|Queen|Gen|Capt)\.?`

const rules: readonly BoundaryRule[] = [
  { question: 'Is “the” before a name part of it?', inside: /^the\s/i, before: /\bthe\s+$/i },
  {
    question: 'Is a title (Mr, Dr, President) part of a name?',
    inside: new RegExp(String.raw`^${titles}\s`),
    before: new RegExp(String.raw`\b${titles}\s+$`),
  },
  { question: 'Is a possessive ’s part of a name?', inside: /\s?['’]s$/, after: /^\s?['’]s\b/ },
  { question: 'Are quotation marks around a name part of it?', inside: /^["“«‘']/, before: /["“«]\s?$/ },
  { question: 'Is a full stop after a name (Inc., U.S.) part of it?', inside: /\.$/, after: /^\s?\./ },
  {
    question: 'Is a name that goes on after a hyphen (French-German) labelled in part?',
    inside: /\w-\w/,
    after: /^-\w/,
  },
  { question: 'Are names joined by “and” or “&” one?', inside: /\s(?:and|&)\s/, after: /^\s(?:and|&)\s+\p{Lu}/u },
  { question: 'Is what stands in brackets after a name part of it?', inside: /[([].*[)\]]$/, after: /^\s?[([]/ },
]

/** How the labels have answered a question so far, with an example each way. */
export interface BoundaryAnswer {
  readonly question: string
  readonly inside: Answer
  readonly outside: Answer
}

export interface Answer {
  readonly count: number
  /** The span in brackets with a little of what is around it. */
  readonly example?: string
}

/** Characters looked at on either side of a span. */
const reach = 24

/** The questions that the labels raise, those first that come up most. */
export function boundaryAnswers(documents: readonly Document[]): BoundaryAnswer[] {
  const answers = rules.map(({ question }) => ({ question, inside: answer(), outside: answer() }))
  for (const { text, layers } of documents) {
    for (const span of layers[goldLayer] ?? []) {
      const surface = text.slice(span.start, span.end)
      const before = text.slice(Math.max(0, span.start - reach), span.start)
      const after = text.slice(span.end, span.end + reach)
      for (const [i, rule] of rules.entries()) {
        if (rule.inside.test(surface)) answers[i]!.inside.add(text, span)
        else if (rule.before?.test(before) === true || rule.after?.test(after) === true)
          answers[i]!.outside.add(text, span)
      }
    }
  }
  const total = ({ inside, outside }: BoundaryAnswer) => inside.count + outside.count
  return answers
    .map(({ question, inside, outside }) => ({ question, inside: inside.done(), outside: outside.done() }))
    .filter((one) => total(one) > 0)
    .sort((a, b) => total(b) - total(a))
}

function answer() {
  let count = 0
  let example: string | undefined
  return {
    add(text: string, { start, end, label }: Span) {
      count++
      const around = `${text.slice(Math.max(0, start - reach), start)}[${text.slice(start, end)} ${label}]${text.slice(end, end + reach)}`
      example ??= around.replace(/\s+/g, ' ').trim()
    },
    done: (): Answer => (example === undefined ? { count } : { count, example }),
  }
}
