/** HTML or SVG that is safe to put into a page: made by `markup`, or written by this folder. */
export interface Markup {
  readonly html: string
}

type Interpolated = Markup | string | number | readonly Interpolated[] | undefined

/**
 * Markup from a template. Strings are data and are escaped, so that a document's text can never become a tag or leave
 * its attribute (attributes must be quoted); markup and lists of it are kept; undefined is nothing.
 */
export function markup(literals: TemplateStringsArray, ...values: readonly Interpolated[]): Markup {
  return { html: literals.reduce((page, literal, i) => page + render(values[i - 1]) + literal) }
}

function render(value: Interpolated): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return escape(value)
  if (typeof value === 'number') return String(value)
  if ('html' in value) return value.html
  return value.map(render).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escape = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character]!)
