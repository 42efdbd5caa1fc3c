import { type Random, shuffle } from '../random.js'

/**
 * The names of the sample. Every stem, the part of a name that is its own, belongs to one split alone: what dev and
 * test are made of, training never saw. What is common to names, `Bank of`, `Mount`, `-holm`, is shared.
 */

export const splits = ['train', 'dev', 'test'] as const
export type Split = (typeof splits)[number]

export const types = ['PER', 'ORG', 'LOC', 'PRODUCT'] as const
export type EntityType = (typeof types)[number]

/** What a stem can be part of. */
type Role = 'given' | 'family' | 'place' | 'company' | 'product'

/** A name and the shorter forms that a text goes on with: `Nadia Orlov`, then `Orlov`. */
export interface Name {
  readonly full: string
  readonly short: readonly string[]
  readonly stems: readonly string[]
}

export type Namer = (type: EntityType) => Name

const words = (text: string) => text.trim().split(/\s+/)
const capitalised = (word: string) => word[0]!.toUpperCase() + word.slice(1)

const real: Readonly<Record<Role, readonly string[]>> = {
  given: words(`
    Ada Aisha Alan Alice Amara Anders Anita Anton Ben Bianca Boris Carla Carlos Chidi Clara Daniel Dario Diana Dmitri
    Elena Elif Emma Erik Esther Farid Fatima Felix Fiona Gabor George Greta Hana Harold Hassan Helen Hugo Ibrahim Ines
    Ingrid Irina Ivan Jakob James Javier Joan Jonas Julia Kamal Karin Keiko Kofi Laila Lars Laura Leon Lina Louis Lucia
    Łukasz Maria Marek Marta Martin Mei Miguel Mira Mohan Nadia Naomi Nils Nina Noor Olga Omar Oscar Pablo Patrick Paula
    Pedro Peter Priya Rachel Rafael Ravi Renée Rosa Ruth Samir Sara Simon Sofia Stefan Sven Tariq Teresa Thomas Tomás
    Uma Vera Viktor Wanda Wei Yara Yusuf Zoë`),
  family: words(`
    Abbott Acosta Adeyemi Baker Banerjee Becker Bergström Bianchi Castillo Chandra Cohen Costa Dalton Delgado Dubois
    Eriksen Evans Farouk Fischer Fontaine Fujita Garcia Gupta Haddad Hansen Herrera Hoffmann Hughes Ito Jansen Joshi
    Kamau Kaplan Keller Khan Kowalski Kumar Laurent Lopez Lundqvist Mbeki Meyer Molina Moreau Morris Müller Nakamura
    Navarro Nguyen Novak Okafor Oliveira Orlov Osman Park Patel Petrov Quinn Ramos Reyes Ricci Rossi Sanchez Santos
    Schmidt Shah Silva Singh Suzuki Tanaka Tembo Torres Varga Vasquez Vogel Walsh Weber Wong Yilmaz Zhang`),
  place: words(`
    Accra Algeria Ankara Antwerp Athens Austria Bangkok Belgium Bergen Berlin Bogotá Bolivia Bremen Brazil Bulgaria Cairo
    Calcutta Canada Cardiff Chile Colombia Cracow Croatia Dakar Delhi Denmark Dublin Ecuador Egypt Estonia Finland Galway
    Geneva Ghana Greece Hanover Helsinki Hungary Iceland Istanbul Italy Jakarta Kenya Kyoto Lagos Lima Lisbon London
    Madrid Malaga Malaysia Manila Mexico Mombasa Moscow Nairobi Naples Nepal Norway Oslo Ottawa Peru Poland Portugal
    Prague Rome Seoul Serbia Spain Stockholm Sweden Tallinn Tokyo Tunisia Turin Uganda Utrecht Valencia Vienna Warsaw
    Zagreb Zürich`),
  company: [],
  product: [],
}

/**
 * Made-up stems: any beginning with an ending. Beginnings are dealt to the splits, and tell nothing about the type, so
 * that a model cannot learn names by heart; endings are shared, and tell something.
 */
const onsets = [...words('B Br C Ch Cr D Dr F Fl G Gr H J K L M N P Pr Qu R S Sh St T Th Tr V W Y Z'), '']
const codas = words('l n r s t m d v ck nd ll rn')
const beginnings = onsets.flatMap((onset) =>
  words('a e i o u').flatMap((vowel) => codas.map((coda) => capitalised(onset + vowel + coda))),
)

const endings: Readonly<Record<Role, readonly string[]>> = {
  given: words('a ah an anna as ela elle en ette ia ias ica iel ina io is iya on us'),
  family: words('son sen ski ova ovich elli etti man berger ez es nen escu ides yan ton field'),
  place: words('brook bridge burgh bury by dale field ford ham haven holm ia ley mere mouth on port stead ton wick'),
  company: words('ex ix ora tek ium ify agen etics ware soft cast onics vance tron on ia'),
  product: words('apad iphone obook icam opod ibot okit adrive open elite igo ster on io ix'),
}

/** Stems that are many things; only the context says which. */
const ambiguous: readonly (readonly [stem: string, ...roles: Role[]])[] = [
  ['Jordan', 'given', 'family', 'place'],
  ['Washington', 'family', 'place'],
  ['Paris', 'given', 'place'],
  ['Georgia', 'given', 'place'],
  ['Chelsea', 'given', 'place', 'company'],
  ['Amazon', 'company', 'place'],
  ['Apple', 'company', 'product'],
  ['Mercedes', 'given', 'company', 'product'],
  ['Lincoln', 'family', 'place', 'product'],
  ['Austin', 'given', 'family', 'place'],
  ['Hamilton', 'family', 'place'],
  ['Victoria', 'given', 'place'],
  ['Houston', 'family', 'place'],
  ['Madison', 'given', 'family', 'place'],
  ['Florence', 'given', 'place'],
  ['Sydney', 'given', 'place'],
  ['Jackson', 'given', 'family', 'place'],
  ['Brooklyn', 'given', 'place'],
  ['Santiago', 'given', 'family', 'place'],
  ['Kent', 'given', 'family', 'place'],
  ['Ford', 'family', 'company', 'product'],
  ['Ferrari', 'family', 'company', 'product'],
  ['Siemens', 'family', 'company'],
  ['Phoenix', 'place', 'company', 'product'],
  ['Orion', 'given', 'company', 'product'],
  ['Chester', 'given', 'family', 'place'],
  ['Lancaster', 'family', 'place', 'company'],
  ['Carolina', 'given', 'place'],
  ['Virginia', 'given', 'place'],
  ['Montana', 'family', 'place'],
  ['Israel', 'given', 'place'],
  ['India', 'given', 'place'],
  ['Troy', 'given', 'place'],
  ['Preston', 'given', 'family', 'place'],
  ['Wells', 'family', 'place', 'company'],
  ['Boston', 'family', 'place'],
  ['Dallas', 'given', 'family', 'place'],
  ['Lourdes', 'given', 'place'],
  ['Berkeley', 'family', 'place', 'company'],
  ['Cadillac', 'company', 'product', 'place'],
  ['Shell', 'company'],
  ['Orange', 'company', 'place'],
  ['Frost', 'family', 'company'],
  ['Rose', 'given', 'family'],
  ['Amber', 'given', 'product'],
  ['Mint', 'company', 'product'],
  ['Olive', 'given', 'product'],
  ['Basil', 'given', 'product'],
  ['Cherry', 'given', 'product'],
  ['Rice', 'family'],
  ['Berry', 'family'],
  ['Wood', 'family'],
  ['Coral', 'given', 'product'],
  ['Pearl', 'given', 'product'],
]

/** Stems that are also things one can buy: `Shell` is a company, `Shell prices fell` is not. */
const commonWords = new Set(
  words('Apple Shell Orange Frost Rose Amber Mint Olive Basil Cherry Rice Berry Wood Coral Pearl'),
)

/** How often a stem that is many things is drawn where one will do. */
const ambiguousShare = 0.08
/** How often a name is a real one, of the rest. */
const realShare = 0.08

/** Deals a list to the splits: of every seven items in random order, five to training, one to dev, one to test. */
function deal<T>(items: readonly T[], next: Random): Record<Split, T[]> {
  const shuffled = shuffle([...items], next)
  const turn = (index: number): Split => (index % 7 === 5 ? 'dev' : index % 7 === 6 ? 'test' : 'train')
  const dealt: Record<Split, T[]> = { train: [], dev: [], test: [] }
  for (const [index, item] of shuffled.entries()) dealt[turn(index)].push(item)
  return dealt
}

export const pick = <T>(items: readonly T[], next: Random): T => items[Math.floor(next() * items.length)]!

/** All stems of one split. */
export interface Stems {
  readonly real: Readonly<Record<Role, readonly string[]>>
  readonly coined: Readonly<Record<Role, readonly string[]>>
  readonly ambiguous: Readonly<Record<Role, readonly string[]>>
  readonly commonWords: readonly string[]
}

/** Deals every stem to one split. */
export function dealStems(next: Random): Record<Split, Stems> {
  const roles: readonly Role[] = ['given', 'family', 'place', 'company', 'product']
  const dealtAmbiguous = deal(ambiguous, next)
  const dealtReal = perRole((role) => deal(real[role], next))
  const dealtBeginnings = deal(beginnings, next)
  // A word is one split's alone even where two lists make it: `Stanton` is dealt twice, and kept once.
  const taken = new Set(ambiguous.map(([stem]) => stem))
  const claim = (stems: readonly string[]) => stems.filter((stem) => !taken.has(stem) && taken.add(stem))

  const coin = (split: Split, role: Role) =>
    dealtBeginnings[split].flatMap((beginning) => endings[role].map((ending) => beginning + ending))

  const stemsOf = (split: Split): Stems => {
    const many = dealtAmbiguous[split]
    return {
      real: perRole((role) => claim(dealtReal[role][split])),
      coined: perRole((role) => claim(coin(split, role))),
      ambiguous: perRole((role) => many.filter(([, ...others]) => others.includes(role)).map(([stem]) => stem)),
      commonWords: many.map(([stem]) => stem).filter((stem) => commonWords.has(stem)),
    }
  }
  return { train: stemsOf('train'), dev: stemsOf('dev'), test: stemsOf('test') }

  function perRole<T>(of: (role: Role) => T): Record<Role, T> {
    return Object.fromEntries(roles.map((role) => [role, of(role)])) as Record<Role, T>
  }
}

interface Pattern {
  readonly weight: number
  readonly form: string
  readonly short: readonly string[]
}

/** How names of a type are put together. `short` are the forms that may later stand for the whole. */
const patterns: Readonly<Record<EntityType, readonly Pattern[]>> = {
  PER: [
    { weight: 14, form: '{given} {family}', short: ['{family}', '{family}', '{given}'] },
    { weight: 2, form: '{given} {initial} {family}', short: ['{family}'] },
    { weight: 1, form: '{given} {given} {family}', short: ['{family}'] },
    { weight: 1, form: '{given} de {family}', short: ['de {family}', '{given}'] },
    { weight: 2, form: '{given}', short: [] },
  ],
  ORG: [
    { weight: 7, form: '{company}', short: [] },
    { weight: 5, form: '{company} {firm}', short: ['{company}'] },
    { weight: 2, form: '{family} & {family}', short: [] },
    { weight: 2, form: '{family} {firm}', short: ['{family}'] },
    { weight: 2, form: '{place} {club}', short: ['{place}'] },
    { weight: 2, form: 'University of {place}', short: [] },
    { weight: 2, form: '{place} {body}', short: [] },
    { weight: 2, form: 'Bank of {place}', short: [] },
    { weight: 2, form: 'The {place} {paper}', short: ['The {paper}'] },
    { weight: 1, form: '{family} Institute for the {field}', short: ['{family} Institute'] },
    { weight: 1, form: '{place} Society of {field}', short: [] },
  ],
  LOC: [
    { weight: 16, form: '{place}', short: [] },
    { weight: 2, form: '{direction} {place}', short: ['{place}'] },
    { weight: 1, form: 'Mount {place}', short: [] },
    { weight: 1, form: 'Lake {place}', short: [] },
    { weight: 1, form: '{place} {terrain}', short: [] },
    { weight: 1, form: '{family} {street}', short: [] },
    { weight: 1, form: 'Gulf of {place}', short: [] },
    { weight: 1, form: 'Isle of {place}', short: [] },
  ],
  PRODUCT: [
    { weight: 4, form: '{product}', short: [] },
    { weight: 4, form: '{product} {version}', short: ['{product}'] },
    { weight: 3, form: '{company} {version}', short: [] },
    { weight: 2, form: '{company} {product}', short: ['{product}'] },
  ],
}

const shared: Readonly<Record<string, readonly string[]>> = {
  initial: words('A. B. C. D. E. F. H. J. K. L. M. R. S. T.'),
  firm: ['Ltd', 'Inc', 'Group', 'Holdings', 'Brothers', 'Motors', 'Airlines', 'Foods', 'Energy', 'and Sons'],
  club: ['United', 'City', 'Rovers', 'Athletic', 'Wanderers'],
  // prettier-ignore
  body: ['City Council', 'University', 'Museum', 'Police', 'Symphony Orchestra', 'Port Authority', 'Chamber of Commerce'],
  paper: ['Herald', 'Post', 'Gazette', 'Courier'],
  field: ['Arts', 'Sciences', 'Seas', 'Law', 'Letters'],
  direction: ['North', 'South', 'East', 'West', 'New', 'Upper', 'Port', 'Saint'],
  terrain: ['Valley', 'Bay', 'Falls', 'Hills', 'Island', 'Canal'],
  street: ['Street', 'Square', 'Avenue', 'Bridge', 'Park'],
  version: ['2', '5', '9', '300', 'X', 'X3', 'S7', 'Pro', 'Mini', 'Plus', 'Max', 'Air'],
}

/** Draws names from the stems of one split. */
export function namer(stems: Stems, next: Random): Namer {
  const stem = (role: Role) => {
    const many = stems.ambiguous[role]
    if (many.length > 0 && next() < ambiguousShare) return pick(many, next)
    return pick(next() < realShare && stems.real[role].length > 0 ? stems.real[role] : stems.coined[role], next)
  }
  return (type) => {
    const { form, short } = pickWeighted(patterns[type], next)
    // A short form repeats what the full one drew.
    const drawn = new Map<string, string>()
    const used: string[] = []
    const draw = (slot: string) => {
      const isRole = slot in endings
      const word = isRole ? stem(slot as Role) : pick(shared[slot]!, next)
      if (isRole) used.push(word)
      drawn.set(slot, word)
      return word
    }
    const full = form.replace(/\{(\w+)\}/g, (_, slot: string) => draw(slot))
    return {
      full,
      short: short.map((it) => it.replace(/\{(\w+)\}/g, (_, slot: string) => drawn.get(slot)!)),
      stems: used,
    }
  }
}

function pickWeighted(items: readonly Pattern[], next: Random): Pattern {
  let rest = next() * items.reduce((sum, { weight }) => sum + weight, 0)
  return items.find(({ weight }) => (rest -= weight) < 0)!
}
