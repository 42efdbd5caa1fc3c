/** English words that carry grammar rather than meaning; `IS_STOP` asks for them. Not spaCy's list, which is longer. */
export const functionWords: ReadonlySet<string> = new Set(
  [
    'a an the this that these those each every either neither both all any some no none such',
    'i me my mine myself you your yours yourself yourselves he him his himself she her hers herself it its itself',
    'we us our ours ourselves they them their theirs themselves one someone somebody something anyone anything',
    'nobody nothing everyone everything who whom whose which what whatever whichever',
    'am is are was were be been being have has had having do does did doing done',
    'can could may might must shall should will would ought',
    'not nor and or but if then else than so because although though unless until while whereas whether since as',
    'at by for from in into of off on onto out over to toward towards under up upon with within without about above',
    'across after against along among around before behind below beneath beside besides between beyond despite down',
    'during except inside near per through throughout till via',
    'again already also always even ever further here how just more most much many never now often once only other',
    'others otherwise own quite rather same several still there therefore thus too very well when where why yet few less',
    "'s 're 've 'd 'll 'm n't",
  ].flatMap((line) => line.split(' ')),
)
