#!/bin/sh
# Times what the README quotes; tables are printed and kept in out/bench.
# BENCH is the tool, OUT the folder.
set -eu
cd "$(dirname "$0")/.."
bench=${BENCH:-.build/release/headkv-bench} out=${OUT:-out/bench}
mkdir -p "$out"

run() { # title, name of the files, arguments
  printf '## %s\n\n' "$1"
  name=$2
  shift 2
  "$bench" "$@" -o "md,$out/$name.json,$out/$name.csv"
}

run "One image, four types of weights" one \
  decode --batch 1 --precision f32,bf16,bf12,int8 --rounds 3
run "One image, a larger model" larger \
  decode --shape XL --batch 1 --precision bf16,bf12 --rounds 1 --sample 2
run "Four images of 384 pixels" four \
  decode --batch 4 --grid 24 --precision bf16,bf12,int8 --rounds 2 --sample 2
run "Sixteen images of 384 pixels" sixteen \
  decode --batch 16 --grid 24 --precision bf16,int8 --rounds 1 --sample 4
run "Sixteen images of 512 pixels" large-grid \
  decode --batch 16 --grid 32 --precision bf16,int8 --rounds 1 --sample 4
run "Parts" parts \
  parts --batch 1,16 --precision f32,bf16,bf12,int8 --rounds 3
