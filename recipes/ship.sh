#!/bin/sh
# From labelled text to a folder to ship, every step gated: a teacher, a student of half its layers, int8, and files for
# ONNX Runtime, transformers.js and TensorRT, verified and scored. On the sample that comes with the project, in a few
# minutes:
#   npm ci && sh recipes/ship.sh [OUTPUT]
# OUTPUT/ship is what is shipped; its manifest.json is what a CI job uploads. A gate that fails ends it with 1.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-runs/ship}
data=$here/../data/sample
ner() { node "$here/../bin/ner.js" "$@"; }

ner train "$here/quickstart.yaml" --out "$out/teacher"
ner eval "$out/teacher" "$data/dev.conll" --min-f1 0.85

ner distill "$out/teacher" --config "$here/quickstart.yaml" --out "$out/student" --max-f1-drop 5
ner quantize "$out/student" --dev "$data/dev.conll" --max-f1-drop 0.5 --per-type-max-drop 2 --out "$out/int8"
ner export "$out/student" --int8 "$out/int8" --target all --fp16 --data "$data/test.conll" --out "$out/ship"

ner bench "$out/teacher" "$out/student" "$out/int8" --batch 1,8 --rounds 3 --report "$out/latency.html"
