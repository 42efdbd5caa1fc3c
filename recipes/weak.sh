#!/bin/sh
# From raw text and labelling functions to a model, and what that is worth. Functions vote, a label model weighs the votes
# with a small checked set, an encoder learns from the result and then from the sentences that people labelled. In a second
# round that encoder votes beside the functions, the sentences weigh the votes too, and another encoder learns from the
# result and from them. Beside it the same encoder on labelled sentences alone, and the curve of both. On the sample that
# comes with the project:
#   npm ci && sh recipes/weak.sh [OUTPUT]
# Stopped, it goes on where it was when it is called again.
# Other data, by the environment:
#   TEXT       what is to be labelled by functions; labels in it are not looked at
#   FUNCTIONS  a configuration of ner weak apply
#   CHECKED    a small labelled set that weighs the functions, and chooses among the epochs of every run
#   GOLD       sentences labelled by people, as CoNLL; the first ones are taken
#   TEST_SET   what all runs are scored on
#   CONFIG     a configuration of ner train
#   MODEL      the encoder to start from; without it a small one is trained from scratch
#   WEAK       how many of GOLD to add to weak labels, and the first round's epochs on them: two runs for each, after one on
#              weak labels alone
#   ALONE      how many of GOLD to train on alone, and epochs: a run for each
# CoNLL-2003, with checked.conll the first 1,000 sentences of eng.testa:
#   D=../shared/data/conll2003
#   FUNCTIONS=recipes/weak/conll.yaml TEXT=$D/eng.train GOLD=$D/eng.train CHECKED=checked.conll TEST_SET=$D/eng.testb \
#     CONFIG=configs/default.yaml MODEL=../shared/models/minilm-l6-uncased \
#     WEAK=1500:8 ALONE='500:20 1500:20 7500:4' sh recipes/weak.sh runs/weak-conll
# OUTPUT/weak-N and OUTPUT/gold-N are model folders, OUTPUT/tuned-N those that vote in the second round. functions.html and
# functions-N.html say what each function is worth in the rounds, curve.html and curve.json what the weak labels are.
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
# train NAME [FLAG…]: a run that was finished before stays as it is, one that was stopped goes on
train() {
  run=$out/$1
  shift
  grep -qs '"finished": true' "$run/run.json" && return
  [ -d "$run/checkpoint" ] && set -- "$@" --resume
  ner train "$config" --dev "$checked" --test "$test" --out "$run" "$@"
}

# vote FUNCTIONS OUTPUT TEXT [--input TEXT…]: beside the votes that the texts have
vote() {
  with=$1 votes=$out/$2
  shift 2
  ner weak apply "$with" --out "$votes" --input "$@"
}
# weigh SUFFIX: the votes on the text, by those on the checked set
weigh() {
  votes=$out/votes$1.jsonl.gz known=$out/checked$1.jsonl
  ner weak analyse "$votes" --dev "$known" --config "$functions" --report "$out/functions$1.html"
  ner weak fit "$votes" --dev "$known" --config "$functions" --save "$out/label-model$1.json" --out "$out/weak$1.jsonl"
}
# on_weak LABELS NAME
on_weak() { train "$2" --train "$out/$1" ${MODEL:+--model "$MODEL"}; }
# on_gold SENTENCES EPOCHS NAME [FLAG…]
on_gold() {
  sentences=$out/gold-$1.conll epochs=$2 name=$3-$1
  first "$1" "$gold" > "$sentences"
  shift 3
  train "$name" --train "$sentences" --set training.epochs="$epochs" "$@"
}

mkdir -p "$out"
vote "$functions" votes.jsonl.gz "$text"
vote "$functions" checked.jsonl "$checked"
weigh ''
on_weak weak.jsonl weak-0
points="--weak 0=$out/weak-0"
for size in ${WEAK:-100:60 400:20}; do
  n=${size%:*}
  on_gold "$n" "${size#*:}" tuned --model "$out/weak-0"
  {
    awk '/^[a-z_]+:/ { on = /^labels:/ } on' "$functions"
    printf 'functions:\n  model: { kind: model, folder: tuned-%s }\n' "$n"
  } > "$out/model-$n.yaml"
  vote "$functions" "gold-$n.jsonl" "$out/gold-$n.conll"
  vote "$out/model-$n.yaml" "votes-$n.jsonl.gz" "$out/votes.jsonl.gz"
  vote "$out/model-$n.yaml" "checked-$n.jsonl" "$out/checked.jsonl" --input "$out/gold-$n.jsonl"
  weigh "-$n"
  cat "$out/weak-$n.jsonl" "$out/gold-$n.jsonl" > "$out/train-$n.jsonl"
  on_weak "train-$n.jsonl" "weak-$n"
  points="$points --weak $n=$out/weak-$n"
done
for size in ${ALONE:-100:100 400:40 1600:10}; do
  n=${size%:*}
  on_gold "$n" "${size#*:}" gold ${MODEL:+--model "$MODEL"}
  points="$points --gold $n=$out/gold-$n"
done

# shellcheck disable=SC2086 # one word for each point
ner weak curve $points --json > "$out/curve.json"
# shellcheck disable=SC2086
ner weak curve $points --report "$out/curve.html"
