#!/usr/bin/env bash
# Times PyTorch's decode step and this engine's in turn and prints the ratio of the medians.
#   Benchmarks/compare.sh [f32|bf16] [images] [rounds]      (PYTHON: an interpreter with torch)
set -euo pipefail
cd "$(dirname "$0")/.."
dtype=${1:-f32} images=${2:-1} rounds=${3:-5} python=${PYTHON:-python3}
swift build -c release --product headkv-bench >&2
for _ in $(seq "$rounds"); do
  "$python" Benchmarks/torch_decode.py --dtype "$dtype" --images "$images" --rounds 1
  .build/release/headkv-bench --precision "$dtype" --images "$images" --budgets 100% --steps 64 \
    --rounds 1 --json
done | "$python" -c '
import json, statistics, sys
decoder, text, at, peer, own = json.JSONDecoder(), sys.stdin.read(), 0, [], []
while text[at:].strip():
    at += len(text[at:]) - len(text[at:].lstrip())
    value, at = decoder.raw_decode(text, at)
    if "torch" in value:
        peer.append(value["milliseconds"])
    else:
        own.append(value["results"][0]["milliseconds"])
a, b = statistics.median(peer), statistics.median(own)
print(f"PyTorch {a:.1f} ms a step ({min(peer):.1f}-{max(peer):.1f}), "
      f"HeadKV {b:.1f} ms ({min(own):.1f}-{max(own):.1f}): {a / b:.1f} times")
'
