# Everything is a thin line over `swift`; `deps` installs what is missing.
PACKAGES = openblas lapacke libpng zlib
DEBIAN = libopenblas-dev liblapacke-dev libpng-dev zlib1g-dev pkg-config
SUDO = $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

.PHONY: build deps demo test clean

build: deps
	swift build -c release

deps:
	@command -v swift >/dev/null || { echo "Swift 6.2 or later is needed: https://swift.org/install"; exit 1; }
	@pkg-config --exists $(PACKAGES) 2>/dev/null || { \
	  command -v apt-get >/dev/null || { echo "needed: $(PACKAGES) (brew install openblas lapack libpng zlib pkg-config)"; exit 1; }; \
	  $(SUDO) apt-get update -qq && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(DEBIAN); }

demo: build
	@mkdir -p out
	.build/release/headkv-run generate --class all --count 6 --seed 1 --cfg-scale 2.5 --top-k 200 -o out/demo.png
	@echo "the sheet is $(CURDIR)/out/demo.png"

test: deps
	swift build --build-tests
	swift test

clean:
	rm -rf .build out
