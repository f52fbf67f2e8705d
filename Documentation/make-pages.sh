#!/bin/sh
# Makes pages of the catalogue and of the public symbols: OUT is the folder. Wants a release build.
set -eu
cd "$(dirname "$0")/.."
out=${OUT:-out/docs} build=.build/release symbols=.build/symbol-graphs
target=$(swift -print-target-info | sed -n 's/.*"triple": *"\(.*\)".*/\1/p' | head -n 1)
set --
for map in Modules/*/module.modulemap "$build/CHeadKVKernels.build/module.modulemap"; do
  set -- "$@" -Xcc "-fmodule-map-file=$map"
done
for flag in $(pkg-config --cflags-only-I openblas lapacke libpng zlib); do
  set -- "$@" -Xcc "$flag"
done
rm -rf "$symbols" "$out"
mkdir -p "$symbols" "$out"
for module in HeadKV HeadKVCache HeadKVModels HeadKVWeights HeadKVImage HeadKVReport; do
  swift-symbolgraph-extract -module-name "$module" -target "$target" -I "$build/Modules" "$@" \
    -minimum-access-level public -output-dir "$symbols"
done
docc convert Sources/HeadKV/HeadKV.docc --additional-symbol-graph-dir "$symbols" \
  --fallback-display-name HeadKV --fallback-bundle-identifier HeadKV \
  --transform-for-static-hosting --output-dir "$out"
echo "the pages are in $out; start at documentation/headkv"
