"""What Python makes of a model folder: the label of every word, by the argmax at its first piece.

    python word_labels.py MODEL_DIR SENTENCES.json

SENTENCES.json is a list of sentences, each a list of words. Prints a list of lists of labels; null for a word that the
tokenizer drops or cuts off. (Not named after the library: a script's own folder comes first on Python's import path.)
"""

import json
import sys

import torch
from transformers import pipeline


def main():
    model, sentences = sys.argv[1:]
    torch.set_num_threads(2)
    tagger = pipeline('token-classification', model=model, ignore_labels=[], dtype=torch.float32, device='cpu')
    with open(sentences, encoding='utf8') as file:
        print(json.dumps([word_labels(tagger, words) for words in json.load(file)]))


def word_labels(tagger, words):
    """The pipeline gives every piece the offsets of its word in the words joined by blanks; the first piece counts."""
    labels = {}
    for piece in tagger(words, is_split_into_words=True)[0]:
        labels.setdefault(piece['start'], piece['entity'])
    starts = [sum(len(word) + 1 for word in words[:index]) for index in range(len(words))]
    return [labels.get(start) for start in starts]


if __name__ == '__main__':
    main()
