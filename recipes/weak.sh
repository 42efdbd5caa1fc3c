#!/bin/sh
# From raw text and labelling functions to a model, and what that is worth: functions vote, a label model weighs the votes
# with a small checked set, an encoder learns from the result and then from the sentences that people labelled. Beside it
# the same encoder on labelled sentences alone, and the curve of both. On the sample that comes with the project:
#   npm ci && sh recipes/weak.sh [OUTPUT]
# Other data, by the environment:
#   TEXT       what is to be labelled by functions; labels in it are not looked at
#   FUNCTIONS  a configuration of ner weak apply
#   CHECKED    a small labelled set that weighs the functions, and chooses among the epochs of every run
#   GOLD       sentences labelled by people, as CoNLL; the first ones are taken
#   TEST_SET   what all runs are scored on
#   CONFIG     a configuration of ner train
#   MODEL      the encoder to start from; without it a small one is trained from scratch
#   WEAK       how many of GOLD to add to weak labels, and epochs on them: a run for each, after one on weak labels alone
#   ALONE      how many of GOLD to train on alone, and epochs: a run for each
# CoNLL-2003, with checked.conll the first 1,000 sentences of eng.testa:
#   D=../shared/data/conll2003
#   FUNCTIONS=recipes/weak/conll.yaml TEXT=$D/eng.train GOLD=$D/eng.train CHECKED=checked.conll TEST_SET=$D/eng.testb \
#     CONFIG=configs/default.yaml MODEL=../shared/models/minilm-l6-uncased \
#     WEAK='500:12 1500:8' ALONE='500:20 1500:20 7500:4' sh recipes/weak.sh runs/weak-conll
# OUTPUT/weak-N and OUTPUT/gold-N are model folders; OUTPUT/functions.html says what each function is worth, and
# OUTPUT/curve.html and curve.json what the weak labels are.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sample=$here/../data/sample
out=${1:-runs/weak}
functions=${FUNCTIONS:-$here/weak/sample.yaml}
text=${TEXT:-$sample/train.conll}
checked=${CHECKED:-$sample/dev.conll}
gold=${GOLD:-$sample/train.conll}
test=${TEST_SET:-$sample/test.conll}
config=${CONFIG:-$here/quickstart.yaml}

ner() { node "$here/../bin/ner.js" "$@"; }
# first N FILE: the first sentences of a CoNLL file
first() { awk -v n="$1" 'BEGIN { RS = ""; ORS = "\n\n" } /^-DOCSTART-/ { print; next } ++seen > n { exit } { print }' "$2"; }
train() { ner train "$config" --dev "$checked" --test "$test" "$@"; }

mkdir -p "$out"
ner weak apply "$functions" --input "$text" --out "$out/votes.jsonl.gz"
ner weak apply "$functions" --input "$checked" --out "$out/checked.jsonl.gz"
ner weak analyse "$out/votes.jsonl.gz" --dev "$out/checked.jsonl.gz" --config "$functions" --report "$out/functions.html"
ner weak fit "$out/votes.jsonl.gz" --dev "$out/checked.jsonl.gz" --config "$functions" \
  --save "$out/label-model.json" --out "$out/weak.jsonl"

# on_gold NAME SENTENCES:EPOCHS [FLAG…]
on_gold() {
  name=$1 size=${2%:*} epochs=${2#*:}
  shift 2
  first "$size" "$gold" > "$out/gold-$size.conll"
  train --train "$out/gold-$size.conll" --set training.epochs="$epochs" --out "$out/$name-$size" "$@"
}
train --train "$out/weak.jsonl" --out "$out/weak-0" ${MODEL:+--model "$MODEL"}
points="--weak 0=$out/weak-0"
for size in ${WEAK:-100:60 400:20}; do
  on_gold weak "$size" --model "$out/weak-0"
  points="$points --weak ${size%:*}=$out/weak-${size%:*}"
done
for size in ${ALONE:-100:100 400:40 1600:10}; do
  on_gold gold "$size" ${MODEL:+--model "$MODEL"}
  points="$points --gold ${size%:*}=$out/gold-${size%:*}"
done

# shellcheck disable=SC2086 # one word for each point
ner weak curve $points --json > "$out/curve.json"
# shellcheck disable=SC2086
ner weak curve $points --report "$out/curve.html"
