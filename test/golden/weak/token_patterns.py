"""What spaCy's EntityRuler finds, for token-patterns.json: pip install spacy && python token_patterns.py

Random patterns over random words. A case has one label, since where several claim the same words the ruler keeps one of
them and this project keeps all.
"""
import json
import random
from pathlib import Path

import spacy
from spacy.tokens import Doc

seed = random.Random(7)
nlp = spacy.blank("en")
ruler = nlp.add_pipe("entity_ruler")
words = (
    "Bank bank BANK of the England Inc. U.S. 3-2 1,000 10 twenty İstanbul Straße ﬁnance McDonald iPhone ( ) \" '' $ € % "
    "www.a.com b@c.org a Ab ABC ÉTÉ naïve 10th , . x1 Xx1X banks"
).split(" ")
flags = (
    "IS_ALPHA IS_ASCII IS_DIGIT IS_LOWER IS_UPPER IS_TITLE IS_PUNCT IS_BRACKET IS_QUOTE IS_LEFT_PUNCT IS_RIGHT_PUNCT "
    "IS_CURRENCY LIKE_NUM LIKE_URL LIKE_EMAIL"
).split(" ")
flags = [flag for flag in flags if flag in dir(spacy.attrs)]
shapes = ["Xxxx", "xxxx", "XXX", "dd", "d,ddd", "Xx"]
operators = ["1", "1", "1", "1", "?", "+", "*", "!", "{2}", "{1,3}", "{,2}", "{2,}"]


def value():
    word = seed.choice(words)
    return seed.choice(
        [
            word,
            {"IN": seed.sample(words, 5)},
            {"NOT_IN": seed.sample(words, 12)},
            {"REGEX": seed.choice(["^[A-Z]", "an", "s$", "^\\d", "^.{2,3}$"])},
            {"FUZZY": word},
            {"FUZZY1": word},
            {"REGEX": {"IN": ["^B", "^[^a-zA-Z0-9]"]}},
        ]
    )


def token():
    made = {}
    for _ in range(seed.choice([0, 1, 1, 1, 2])):
        made.update(
            seed.choice(
                [
                    {seed.choice(["TEXT", "ORTH", "LOWER"]): value()},
                    {seed.choice(flags): seed.random() < 0.7},
                    {seed.choice(flags): seed.random() < 0.7},
                    {"SHAPE": seed.choice(shapes)},
                    {"LENGTH": seed.choice([2, {">=": 3}, {"<": 4, ">": 1}, {"IN": [1, 4]}])},
                ]
            )
        )
    operator = seed.choice(operators)
    if operator != "1":
        made["OP"] = operator
    return made


def once(one):
    return one.get("OP", "1") in ("1", "+", "!", "{2}", "{1,3}", "{2,}")


cases = []
while len(cases) < 300:
    patterns = [[token() for _ in range(seed.choice([1, 1, 2, 2, 3]))] for _ in range(seed.choice([1, 1, 2]))]
    if not all(any(once(one) for one in pattern) for pattern in patterns):
        continue
    text = [seed.choice(words) for _ in range(12)]
    ruler.clear()
    ruler.add_patterns([{"label": "X", "pattern": pattern} for pattern in patterns])
    found = ruler(Doc(nlp.vocab, words=text)).ents
    spans = [[entity.start, entity.end] for entity in found]
    if spans or seed.random() < 0.2:
        cases.append({"words": text, "patterns": patterns, "spans": spans})

attributes = {
    word: {flag: bool(getattr(nlp.vocab[word], flag.lower())) for flag in flags} | {"SHAPE": nlp.vocab[word].shape_}
    for word in words
}
target = Path(__file__).with_name("token-patterns.json")
rows = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
target.write_text(
    f'{{"spacy": "{spacy.__version__}",\n"attributes": {json.dumps(attributes, ensure_ascii=False)},\n"cases": [\n{rows}\n]}}\n',
    encoding="utf8",
)
