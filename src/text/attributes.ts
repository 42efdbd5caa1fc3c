import { functionWords } from './stop-words.js'

/*
 * What spaCy's Matcher can ask of a word (https://spacy.io/api/matcher#patterns), by the same rules, which are those of
 * Python's str.isalpha, istitle and so on.
 */

const brackets = '( ) [ ] { } < >'.split(' ')
const opening = '( [ { <'.split(' ')
const closing = ') ] } >'.split(' ')
const quotes = "\" ' ` « » ‘ ’ ‚ ‛ “ ” „ ‟ ‹ › ❮ ❯ '' ``".split(' ')
const openingQuotes = '" \' « ‘ ‚ ‛ “ „ ‟ ‹ ❮ ``'.split(' ')
const closingQuotes = "\" ' » ’ ” › ❯ ''".split(' ')

const cardinals =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
  'eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion ' +
  'quadrillion quintillion sextillion septillion octillion nonillion decillion gajillion bazillion'
const ordinals =
  'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth ' +
  'sixteenth seventeenth eighteenth nineteenth twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ' +
  'ninetieth hundredth thousandth millionth billionth trillionth quadrillionth quintillionth sextillionth ' +
  'septillionth octillionth nonillionth decillionth gajillionth bazillionth'

const numberWords: ReadonlySet<string> = new Set(`${cardinals} ${ordinals}`.split(' '))

/** Python's str.isdigit, of characters whose Numeric_Type is Decimal or Digit: circled digits, too, but no fractions. */
const digit = String.raw`[\p{Nd}²³¹፩-፱᧚⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒\u{10A40}-\u{10A43}\u{10E60}-\u{10E68}\u{11052}-\u{1105A}\u{1F100}-\u{1F10A}]`
const digits = new RegExp(`^${digit}+$`, 'u')
const oneDigit = new RegExp(`^${digit}$`, 'u')
const fraction = new RegExp(`^${digit}+/${digit}+$`, 'u')

function isNumberLike(text: string): boolean {
  const bare = text.replace(/^[+\-±~]/, '').replace(/[,.]/g, '')
  if (digits.test(bare) || fraction.test(bare)) return true
  const lower = bare.toLowerCase()
  return numberWords.has(lower) || (/(?:st|nd|rd|th)$/.test(lower) && digits.test(lower.slice(0, -2)))
}

const topLevel: ReadonlySet<string> = new Set(
  (
    'com org edu gov net mil aero asia biz cat coop info int jobs mobi museum name pro tel travel xyz icu xxx ac ad ae ' +
    'af ag ai al am an ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bv bw by bz ca cc cd cf ' +
    'cg ch ci ck cl cm cn co cr cs cu cv cx cy cz dd de dj dk dm do dz ec ee eg eh er es et eu fi fj fk fm fo fr ga gb ' +
    'gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke ' +
    'kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu ' +
    'mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw ' +
    'sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st su sv sy sz tc td tf tg th tj tk tl tm tn to tp tr tt tv tw tz ' +
    'ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw'
  ).split(' '),
)

const hostCharacter = String.raw`A-Za-z0-9\u00a1-\uffff`
/** A host's labels and a lower-case end, or four numbers; then a port and a path. */
const address = new RegExp(
  String.raw`^(?:[\p{L}\p{N}_+\-.]{2,}:\/\/)?(?:(?:[1-9]\d?|1\d\d|2[01]\d|22[0-3])(?:\.(?:1?\d{1,2}|2[0-4]\d|25[0-5])){2}\.(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-4])|` +
    `(?:(?:[${hostCharacter}][${hostCharacter}_\\-]{0,62})?[${hostCharacter}]\\.)+\\p{Ll}{2,63})` +
    String.raw`(?::\d{2,5})?(?:[\/?#]\S*)?$`,
  'u',
)
const localAddress =
  /^(?:[\p{L}\p{N}_+\-.]{2,}:\/\/)?(?:(?:10|127)(?:\.\d{1,3}){3}|(?:169\.254|192\.168)(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2})/u

function isUrlLike(text: string): boolean {
  if (/^https?:\/\//.test(text) || (text.startsWith('www.') && text.length >= 5)) return true
  if (!text.includes('.') || /^\.|\.$|@/.test(text)) return false
  const end = text.slice(text.lastIndexOf('.') + 1).split(':', 1)[0]!
  // A word of 2,000 characters is no host; the expression's time grows with the square of the length.
  return (
    end.endsWith('/') || topLevel.has(end) || (text.length <= 2000 && address.test(text) && !localAddress.test(text))
  )
}

/** Python's str.istitle: capitals only at the beginnings of runs of letters with case, and everywhere there. */
function isTitle(text: string): boolean {
  let inRun = false
  let cased = false
  for (const character of text) {
    const upper = /[\p{Uppercase}\p{Lt}]/u.test(character)
    const lower = !upper && /\p{Lowercase}/u.test(character)
    if ((upper && inRun) || (lower && !inRun)) return false
    inRun = upper || lower
    cased ||= inRun
  }
  return cased
}

/** Flags by spaCy's names; a flag's bit is its place here. */
const tests = {
  IS_ALPHA: (text) => /^\p{L}+$/u.test(text),
  IS_ASCII: (text) => [...text].every((character) => character < '\u0080'),
  IS_DIGIT: (text) => digits.test(text),
  IS_LOWER: (text) => /\p{Lowercase}/u.test(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text),
  IS_UPPER: (text) => /\p{Uppercase}/u.test(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text),
  IS_TITLE: isTitle,
  IS_PUNCT: (text) => /^\p{P}+$/u.test(text),
  IS_SPACE: (text) => /^\s+$/.test(text),
  IS_BRACKET: (text) => brackets.includes(text),
  IS_QUOTE: (text) => quotes.includes(text),
  IS_LEFT_PUNCT: (text) => opening.includes(text) || openingQuotes.includes(text),
  IS_RIGHT_PUNCT: (text) => closing.includes(text) || closingQuotes.includes(text),
  IS_CURRENCY: (text) => /^\p{Sc}+$/u.test(text),
  IS_STOP: (text) => functionWords.has(text.toLowerCase()),
  LIKE_NUM: isNumberLike,
  LIKE_URL: isUrlLike,
  LIKE_EMAIL: (text) => /^[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]/.test(text),
} as const satisfies Record<string, (text: string) => boolean>

export type Flag = keyof typeof tests

export const flagNames = Object.keys(tests) as Flag[]

export const flagBit = (flag: Flag): number => 1 << flagNames.indexOf(flag)

export const flagsOf = (text: string): number =>
  Object.values(tests).reduce((flags, test, bit) => (test(text) ? flags | (1 << bit) : flags), 0)

/** Letters as X and x, digits as d, the rest as it is; of a run of one kind at most four. */
export function shapeOf(text: string): string {
  if (text.length >= 100 && [...text].length >= 100) return 'LONG'
  let shape = ''
  let last = ''
  let run = 0
  for (const character of text) {
    const kind = /\p{L}/u.test(character)
      ? /\p{Uppercase}/u.test(character)
        ? 'X'
        : 'x'
      : oneDigit.test(character)
        ? 'd'
        : character
    run = kind === last ? run + 1 : 1
    last = kind
    if (run <= 4) shape += kind
  }
  return shape
}
