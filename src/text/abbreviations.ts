/**
 * English abbreviations that keep their full stop, lower-cased, by what may follow them. Only such as are not also
 * common words: a sentence ends in "sun." and "mar." more often than a weekday or a month is cut short.
 */
const set = (words: string) => new Set(words.split(' '))

/** Always followed by a name or a number, so that no sentence ends here. */
export const titles = set(
  'mr mrs ms messrs mme mlle dr prof rev fr sr sra gen maj col lt cmdr capt sgt cpl pvt adm gov sen rep reps sens ' +
    'pres hon st ste mt ft vs gen-sec lt-col lt-gen maj-gen nos vol fig eq',
)

/** Followed by anything; a sentence may end here. */
export const shortened = set(
  'inc corp ltd co cos bros llc plc jr sr esq phd dept univ assn est etc al cf eg ie approx ave blvd rd ' +
    'jan feb aug sept oct nov dec ariz ark calif colo conn fla ga kan ky mich minn mo mont neb nev ' +
    'okla pa penn tenn tex va vt wis wyo',
)
