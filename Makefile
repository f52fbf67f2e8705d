# Everything is a thin line over `swift`; `deps` installs what is missing.
PACKAGES = openblas lapacke libpng zlib
DEBIAN = libopenblas-dev liblapacke-dev libpng-dev zlib1g-dev pkg-config
SUDO = $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

.PHONY: build deps demo test consumer bench bench-peers fuzz sanitize docs man install clean

build: deps
	swift build -c release

deps:
	@command -v swift >/dev/null || { echo "Swift 6.2 or later is needed: https://swift.org/install"; exit 1; }
	@pkg-config --exists $(PACKAGES) 2>/dev/null || { \
	  command -v apt-get >/dev/null || { echo "needed: $(PACKAGES) (brew install openblas lapack libpng zlib pkg-config)"; exit 1; }; \
	  $(SUDO) apt-get update -qq && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(DEBIAN); }

SHEET = --class all --count 6 --seed 1 --cfg-scale 2.5 --top-k 200
demo: build
	@mkdir -p out
	.build/release/headkv-run generate $(SHEET) --kv-policy full -o out/demo.png
	.build/release/headkv-run generate $(SHEET) --kv-budget 1/6 -o out/demo-sixth.png
	@echo "the sheets are $(CURDIR)/out/demo.png and, in a sixth of the cache, demo-sixth.png"

test: deps
	swift test -c release
	for isa in portable avx2 avx512 avx512vnni; do \
	  HEADKV_ISA=$$isa swift test -c release --skip-build --filter HeadKVMathTests || exit 1; done
	$(MAKE) consumer

# A second package that depends on this one.
consumer: deps
	swift build -c release --package-path Examples/Consumer
	cd Examples/Consumer && .build/release/consumer

bench: build
	Benchmarks/bench.sh

# In turn with PyTorch. PYTHON=... takes an interpreter that has it; PEERS are arguments.
bench-peers: build $(if $(PYTHON),,.venv-bench/ready)
	$(or $(PYTHON),.venv-bench/bin/python) Benchmarks/peers.py $(PEERS)

TORCH_CPU = https://download.pytorch.org/whl/cpu
.venv-bench/ready:
	python3 -m venv .venv-bench
	.venv-bench/bin/pip install -q --retries 1 torch numpy --index-url $(TORCH_CPU) || \
	  .venv-bench/bin/pip install -q torch numpy
	@touch $@

# Looks for bytes that break a reader, guided by coverage: make fuzz SECONDS=600 TARGET=pickle.
# What it finds lies in .build-fuzz; a file of Tests/HeadKVFuzzTests/Corpus keeps it found.
CORPUS = Tests/HeadKVFuzzTests/Corpus
TARGET ?= $(notdir $(wildcard $(CORPUS)/*))
SECONDS ?= 60
fuzz: deps
	HEADKV_FUZZ=1 swift build -c release --sanitize fuzzer --scratch-path .build-fuzz --product headkv-fuzz
	for reader in $(TARGET); do \
	  mkdir -p .build-fuzz/corpus/$$reader; \
	  HEADKV_FUZZ=$$reader SWIFT_BACKTRACE=enable=no .build-fuzz/release/headkv-fuzz \
	    -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=2500 -print_final_stats=1 \
	    -artifact_prefix=.build-fuzz/$$reader- .build-fuzz/corpus/$$reader $(CORPUS)/$$reader || exit 1; \
	done

# All tests but those of memory, which a sanitizer changes. Leaks are not looked for: Foundation's
# own show, and the tools leave what they hold to the system.
sanitize: deps
	for kind in address thread; do \
	  ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/thread-sanitizer.txt \
	    swift test -c release --sanitize $$kind --scratch-path .build-$$kind || exit 1; done

# Pages of the catalogue and of the public symbols, in out/docs.
docs: build
	Documentation/make-pages.sh

# A manual page for each tool, from what its --help says.
TOOLS = headkv-run headkv-bench
MANUALS = .build/plugins/GenerateManual/outputs
man: build
	swift package generate-manual

PREFIX ?= /usr/local
SHARE = $(DESTDIR)$(PREFIX)/share
install: man
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/man/man1 $(SHARE)/bash-completion/completions \
	  $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	cp -R .build/release/HeadKV_HeadKV.resources $(DESTDIR)$(PREFIX)/bin
	set -e; for tool in $(TOOLS); do \
	  install .build/release/$$tool $(DESTDIR)$(PREFIX)/bin; \
	  install -m 644 $(MANUALS)/$$tool/$$tool.1 $(SHARE)/man/man1; \
	  script=".build/release/$$tool --generate-completion-script"; \
	  $$script bash > $(SHARE)/bash-completion/completions/$$tool; \
	  $$script zsh > $(SHARE)/zsh/site-functions/_$$tool; \
	  $$script fish > $(SHARE)/fish/vendor_completions.d/$$tool.fish; done

clean:
	rm -rf .build .build-fuzz .build-address .build-thread .venv-bench out Examples/Consumer/.build
