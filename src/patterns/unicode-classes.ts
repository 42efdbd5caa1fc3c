/** What Python's classes hold: letters, marks and numbers of all scripts. */
const classes: Readonly<Record<string, string>> = {
  d: String.raw`\p{Nd}`,
  w: String.raw`\p{L}\p{N}_`,
  s: String.raw`\t\n\v\f\r\x1c-\x20\x85\p{Z}`,
}

/**
 * A pattern of spaCy's files, in which `\w`, `\d` and `\s` are of all scripts, as Python means them, in RE2's syntax, where
 * they are of ASCII. `\b` before the pattern's first character, or after its last, is written as what stands there.
 * Elsewhere, and where that character may be no part of a word, it stays RE2's: between ASCII and anything else.
 */
export function unicodeClasses(pattern: string): string {
  return inAllScripts(
    pattern.replace(/^\\b(?=[\p{L}\p{N}_](?![?*{]))/u, `(?:^|${noWord})`).replace(endBoundary, `(?:$|${noWord})`),
  )
}

const noWord = String.raw`[^\p{L}\p{N}_]`
const endBoundary = /(?<=(?<!\\)[\p{L}\p{N}_])\\b$/u

function inAllScripts(pattern: string): string {
  let written = ''
  let inClass = false
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i]!
    if (character === '\\' && i + 1 < pattern.length) {
      const escape = pattern[++i]!
      const meant = classes[escape.toLowerCase()]
      const isNegated = escape !== escape.toLowerCase()
      if (meant === undefined) written += character + escape
      else if (!isNegated) written += inClass ? meant : `[${meant}]`
      else written += inClass ? character + escape : `[^${meant}]`
      continue
    }
    if (character === '[' && !inClass) {
      inClass = true
      // A bracket right after the opening one is a character of the class.
      if (pattern[i + 1] === '^') written += pattern[i++]!
      if (pattern[i + 1] === ']') written += pattern[i++]!
    } else if (character === ']') inClass = false
    written += pattern[i]!
  }
  return written
}
