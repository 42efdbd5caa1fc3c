"""What spaCy's lexemes say of words, for word-attributes.json: pip install spacy && python word_attributes.py

Words by hand, one that may be tricky for each attribute, and words drawn from characters of many scripts. IS_STOP is left out: this
project has a list of its own.
"""
import json
import random
from pathlib import Path

import spacy

seed = random.Random(11)
nlp = spacy.blank("en")
flags = (
    "IS_ALPHA IS_ASCII IS_DIGIT IS_LOWER IS_UPPER IS_TITLE IS_PUNCT IS_BRACKET IS_QUOTE IS_LEFT_PUNCT IS_RIGHT_PUNCT "
    "IS_CURRENCY LIKE_NUM LIKE_URL LIKE_EMAIL"
).split(" ")
by_hand = (
    "google.de t.co a.b A.de x.museum x.Museum a.b.c/d http:// https://x www.a www.ab .de de. a@b.de a@b 10.0.0.1 8.8.8.8 192.168.1.1 "
    "1.2.3.4:80 x.com:80 x.com/ x.com?q=1 ftp://a.bc a_b.info \u00fc.de caf\u00e9.fr x.c\u00f6m a..b a.1 1.5 1,5 lower.Upper "
    "hundredth Hundredth 1ST 2nd 3RD 4th 4.th 1,000th twentieth gajillion -ten +5 ~6 \u00b17 1/2 1/2/3 \u00b2 \u00bd \u2460 \u2167 \u0663 \U0001d7d9 \u0967 "
    "\u01c5 \u01c4 \u01c6 \u01c5x \u00aa \u00ba \u02b0 \u2170 \u24d0 \u24b6 \u0130 \u0131 \u00df \u1e9e \ufb01 \u0345 e\u0301 \u5317\u4eac \u05d0 \u10d0 \u1c90 a.b@c.d a+b@c-d.e @b.c "
    "McDonald O'Neil It's A1 a1 1A 1a A-B a-B Aa-Bb \u20ac $ \u00a5 \u20bf US$ ( ) [ ] { } < > \" ' ` '' `` \u00ab \u00bb \u2018 \u201c \u2026 \u2014 _ - # \u3001 \U0001f600 "
    + "a" * 99 + " " + "a" * 100 + " " + "\U0001d400" * 60 + " " + "\U0001d400" * 100
).split(" ")
letters = "abzABZ\u00e9\u00c9\u00df\u0130\u0131\u0391\u03c9\u0416\u0436\u01c5\u05d0\u0639\u0939\u5317\u2160\u217f\u24b6\u24d0\u00aa\u02b0\U0001d400\U0001d41a\u0301"
signs = "019\u0663\u0967\u00b2\u2460\u00bd\u2167.,/:-_'@#$\u20ac\u00ab\u201d()\u3001+~%\U0001f600"
drawn = ["".join(seed.choice(seed.choice([letters, letters, signs])) for _ in range(seed.randint(1, 5))) for _ in range(1500)]
suffixes = ["th", "st", ".com", ".de", ".xx", ".info/", "@a.b", "://x.yz", "/2", ":80"]
drawn += [seed.choice(["1", "\u0663", "a", "A", "\u00e9", "10.", "1,0", "x-", "\u2460"]) + seed.choice(suffixes) for _ in range(120)]
words = list(dict.fromkeys(word for word in by_hand + drawn if word))
rows = [[word, nlp.vocab[word].shape_, [flag for flag in flags if getattr(nlp.vocab[word], flag.lower())]] for word in words]
target = Path(__file__).with_name("word-attributes.json")
lines = ",\n".join(json.dumps(row) for row in rows)
target.write_text(f'{{"spacy": "{spacy.__version__}", "flags": {json.dumps(flags)},\n"words": [\n{lines}\n]}}\n', encoding="utf8")
