"""What Python's onnxruntime makes of a graph, with transformers' tokenizer: the label of every word.

    python onnxruntime_labels.py MODEL_DIR GRAPH SENTENCES.json

GRAPH is a file of MODEL_DIR, e.g. onnx/model.onnx: labels are the argmax at a word's first piece; of a graph with an
output `tags`, they are what it decodes. SENTENCES.json is a list of sentences, each a list of words. Prints a list of
lists of labels; null for a word that the tokenizer drops or cuts off.
"""

import json
import os
import sys

import numpy
import onnxruntime
from transformers import AutoTokenizer


def main():
    model, graph, sentences = sys.argv[1:]
    tokenizer = AutoTokenizer.from_pretrained(model)
    session = onnxruntime.InferenceSession(os.path.join(model, graph), providers=['CPUExecutionProvider'])
    with open(os.path.join(model, 'config.json'), encoding='utf8') as file:
        names = {int(index): label for index, label in json.load(file)['id2label'].items()}
    with open(sentences, encoding='utf8') as file:
        print(json.dumps([labels(tokenizer, session, names, words) for words in json.load(file)]))


def labels(tokenizer, session, names, words):
    encoded = tokenizer(words, is_split_into_words=True, truncation=True, return_tensors='np')
    firsts = {}
    for piece, word in enumerate(encoded.word_ids()):
        if word is not None:
            firsts.setdefault(word, piece)
    wanted = {value.name for value in session.get_inputs()}
    feeds = {name: array.astype(numpy.int64) for name, array in encoded.items() if name in wanted}
    if 'word_index' in wanted:
        feeds['word_index'] = numpy.array([list(firsts.values())], numpy.int64)
        feeds['word_mask'] = numpy.ones((1, len(firsts)), numpy.int64)
        (tags,) = session.run(['tags'], feeds)
        found = dict(zip(firsts, tags[0].tolist()))
    else:
        (logits,) = session.run(['logits'], feeds)
        found = {word: int(logits[0, piece].argmax()) for word, piece in firsts.items()}
    return [names[found[word]] if word in found else None for word in range(len(words))]


if __name__ == '__main__':
    main()
