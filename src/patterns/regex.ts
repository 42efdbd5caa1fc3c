import { RE2JS, RE2JSSyntaxException } from 're2js'
import { NerError } from '../errors.js'

/**
 * Patterns with longer programs are refused: where the automaton's states do not fit its memory, a search costs the
 * length of the text times that of the program.
 */
const longestProgram = 5000

/** What people write that no automaton can do, and what RE2 says of it. */
const constructs: readonly (readonly [RegExp, string, string])[] = [
  [/\(\?<?[=!]/, 'look-around', 'Match what stands around too, and let a capture group choose the span.'],
  [/\\[1-9]|\\k|\(\?P=/, 'a back-reference', 'Write out what may repeat.'],
  [/\(\?>|[*+?}]\+/, 'a possessive or atomic group', 'Leave it plain: nothing backtracks here.'],
  [/\(\?\(/, 'a condition', 'Write the branches as alternatives.'],
  [/\\[GZ]/, 'an anchor that RE2 lacks', 'Use ^, $, \\A or \\z.'],
  [/\(\?R|\(\?\d|\(\?&/, 'recursion', 'Write out the depth that you need.'],
]

export interface PatternOptions {
  readonly ignoreCase?: boolean
  /** A group that the pattern must have, by number or name. */
  readonly group?: number | string
}

/**
 * Compiles a user's regular expression in RE2's syntax: `^` and `$` stand for the ends of lines. Searching takes time
 * linear in the text. Throws `weak/bad-pattern` and says which construct is at fault.
 */
export function compilePattern(
  pattern: string,
  where: string,
  { ignoreCase = false, group = 0 }: PatternOptions = {},
): RE2JS {
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(pattern, flagsFor(ignoreCase))
  } catch (cause) {
    if (!(cause instanceof RE2JSSyntaxException)) throw cause
    const [, construct, mend] = constructs.find(([mark]) => mark.test(pattern)) ?? []
    const reason = `${cause.getDescription()}${cause.getPattern() === pattern ? '' : ` at ${cause.getPattern()}`}`
    throw new NerError(
      'weak/bad-pattern',
      construct === undefined
        ? `The pattern ${pattern} is no regular expression: ${reason}.`
        : `The pattern ${pattern} uses ${construct}, which no linear-time engine can run (${reason}).`,
      { where, mend: mend ?? 'https://github.com/google/re2/wiki/Syntax lists what there is.', cause },
    )
  }
  if (compiled.programSize() > longestProgram) {
    throw new NerError('weak/bad-pattern', `The pattern ${pattern} is too large: it repeats too much.`, {
      where,
      mend: 'Make counted repetitions such as {1,500} smaller, or write + or *.',
    })
  }
  const names = Object.keys(compiled.namedGroups())
  if (typeof group === 'number' ? group > compiled.groupCount() : !names.includes(group)) {
    const there = `${compiled.groupCount()} in all${names.length > 0 ? `, named ${names.join(', ')}` : ''}`
    throw new NerError('weak/bad-pattern', `The pattern ${pattern} has no group ${group}; there are ${there}.`, {
      where,
      mend: 'Name a group as (?P<name>…), or count brackets from 1; 0 is the whole match.',
    })
  }
  return compiled
}

export const flagsFor = (ignoreCase: boolean): number => RE2JS.MULTILINE | (ignoreCase ? RE2JS.CASE_INSENSITIVE : 0)
