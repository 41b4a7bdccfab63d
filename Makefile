# `make demo` and `make test` need Rust, Python 3.10 or newer and make. They install everything else themselves.

PYTHON ?= python3
# Outside the checkout, so that a second clone finds the compiled dependencies.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/polargram/target

VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(CARGO_TARGET_DIR)/tools
SHARED := ../shared
# The acceptance files of finished issues.
ACCEPTED := test_02_slice.py test_03_training.py test_04_corpora.py test_05_foundation.py \
	test_06_faults.py test_07_vectors.py test_08_polars.py test_09_phrases.py \
	test_10_command.py

.DEFAULT_GOAL := help
.PHONY: help demo test build build-test wheel test-wheel format lint clippy imports deny test-rust test-python test-accept test-s3 \
	test-azure test-races fuzz bench bench-integers bench-vectors bench-expressions bench-phrases bench-s3 clean

### First steps

## demo: build, write a corpus, train on it, look vectors up in Polars
demo: say-demo build
	$(BIN)/python examples/demo.py demo

.PHONY: say-demo
say-demo:
	@echo 'This builds polargram, writes a sample corpus of 2.5 million words, trains on it and looks vectors up in Polars.'
	@echo 'On two cores the first build takes about 9 minutes, most of it Polars; later builds take seconds to a minute. The rest takes a minute.'
	@echo 'Compiled code stays in $(CARGO_TARGET_DIR), the demo in demo/.'

## test: everything that CI checks
test: lint test-rust test-python test-accept

## help: this list
help:
	@awk '/^### / { printf "\n%s\n", substr($$0, 5) } \
		/^## [a-z0-9-]+: / { name = substr($$2, 1, length($$2) - 1); sub(/^## [^ ]+ /, ""); printf "  make %-14s %s\n", name, $$0 }' \
		$(MAKEFILE_LIST)

### The Python package

DEVELOP = VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --locked

## build: the Python package, optimised, in .venv
build: $(VENV)/maturin
	$(DEVELOP)

## build-test: the same, with all that tests and checks need
build-test: $(VENV)/maturin
	$(DEVELOP) --extras test

$(VENV)/maturin: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check "maturin>=1.16,<2"
	touch $@

## wheel: the source distribution and a wheel built from it, in dist/
DIST := dist
wheel: $(VENV)/maturin
	rm -rf $(DIST)
	$(BIN)/maturin build --release --locked --sdist --interpreter $(BIN)/python --out $(DIST)
	@ls -l $(DIST) | awk 'NF > 8 { printf "%6.1f MB  %s\n", $$5 / 1e6, $$9 }'

## test-wheel: install that wheel into a new environment without Rust, and use it there
test-wheel: wheel
	new=$$(mktemp -d) && trap 'rm -rf $$new' EXIT && $(PYTHON) -m venv $$new/venv && \
		$$new/venv/bin/pip install --quiet --disable-pip-version-check $(DIST)/*.whl && \
		cp tests/installed.py $$new && cd $$new && env -u PYTHONPATH PATH=$$new/venv/bin $$new/venv/bin/python installed.py

## clean: remove .venv, the demo, the wheel and the extension module; compiled code in CARGO_TARGET_DIR stays
clean:
	rm -rf $(VENV) demo dist python/polargram/*.so

### Style

## format: put Rust and Python files into shape
$(BIN)/ruff: $(VENV)/maturin
	$(BIN)/python -m pip install --disable-pip-version-check ruff
	touch $@

format: $(BIN)/ruff
	for crate in . fuzz tests/races; do cargo fmt --manifest-path $$crate/Cargo.toml; done
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

## lint: rustfmt, clippy, ruff, mypy, codespell, and the drawing of the imports
lint: build-test clippy
	for crate in . fuzz tests/races; do cargo fmt --check --manifest-path $$crate/Cargo.toml || exit 1; done
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/python tests/imports.py --check

## clippy: clippy over all of the crate
# Nothing is linked, so no interpreter is needed. Naming one would tie the compiled code to this clone.
clippy:
	PYO3_NO_PYTHON=1 PYO3_BUILD_EXTENSION_MODULE=1 cargo clippy --locked --all-targets --features python -- -D warnings

## imports: draw into CONTRIBUTING.md which folder of src imports which; fails on a circle
imports:
	$(PYTHON) tests/imports.py --write

## deny: licences, advisories, sources and duplicates of the dependencies, by cargo-deny; installed on first use
DENY := $(TOOLS)/bin/cargo-deny
$(DENY):
	cargo install --locked --root $(TOOLS) cargo-deny@0.20.2

deny: $(DENY)
	$(DENY) --locked check

### Tests

## test-rust: unit, property, integration and documentation tests of the crate
test-rust:
	cargo test --locked

## test-python: pytest over the Python package
test-python: build-test
	$(BIN)/python -m pytest -q tests/python
	$(BIN)/python -m pip install --quiet --upgrade --target $(NEWEST_POLARS) polars
	PYTHONPATH=$(abspath $(NEWEST_POLARS)) $(BIN)/python -c 'import polars; assert "newest-polars" in polars.__file__'
	PYTHONPATH=$(abspath $(NEWEST_POLARS)) $(BIN)/python -m pytest -q $(POLARS_TESTS)

# The test extra has Polars 1, since a check of ../shared/accept calls it so; what meets Polars is also tested with the newest.
NEWEST_POLARS := $(VENV)/newest-polars
POLARS_TESTS := $(foreach name,arrow_sources corpus corpus_objects corpus_options datasets expression_contexts expressions \
	expressions_numpy frames integer_keys phrases shared_vectors static_models trimming,tests/python/test_$(name).py)

## test-accept: the black-box checks of finished issues, where ../shared/accept is there
test-accept: build-test
	@if [ -d $(SHARED)/accept ]; then \
		$(BIN)/python -m pytest -q -p no:cacheprovider $(addprefix $(SHARED)/accept/,$(ACCEPTED)); \
	else \
		echo "skipped: there is no $(SHARED)/accept"; \
	fi

## test-s3: the tests of object stores against s3s-fs, a server that checks signatures; installed on first use
S3S := $(TOOLS)/bin/s3s-fs
$(S3S):
	cargo install --locked --features binary --root $(TOOLS) s3s-fs@0.14.1

S3_KEY := polargram
S3_SECRET := polargram-secret
S3_PORT := 9183
# Runs a command with the server beside it, its data in a temporary folder.
WITH_S3 = data=$$(mktemp -d) && trap 'kill $$server; rm -rf $$data' EXIT && \
	{ $(S3S) --port $(S3_PORT) --host 127.0.0.1 --access-key $(S3_KEY) --secret-key $(S3_SECRET) $$data >/dev/null & server=$$!; } && \
	sleep 1 &&

test-s3: build-test $(S3S)
	$(WITH_S3) POLARGRAM_TEST_S3_ENDPOINT=http://127.0.0.1:$(S3_PORT) POLARGRAM_TEST_S3_KEY=$(S3_KEY) \
		POLARGRAM_TEST_S3_SECRET=$(S3_SECRET) $(BIN)/python -m pytest -q tests/python/test_object_store*.py

## test-azure: the tests of Azure's store against Azurite; needs npm
AZURITE := $(TOOLS)/node_modules/.bin/azurite-blob
$(AZURITE):
	npm install --silent --no-save --prefix $(TOOLS) azurite@3

AZURE_PORT := 9184
# The account that every Azurite has.
AZURE_ACCOUNT := devstoreaccount1
AZURE_KEY := Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==
test-azure: build-test $(AZURITE)
	{ $(AZURITE) --inMemoryPersistence --disableTelemetry --skipApiVersionCheck --silent --blobPort $(AZURE_PORT) \
		>/dev/null & } && trap "kill $$!" EXIT && sleep 5 && \
		POLARGRAM_TEST_AZURE_ENDPOINT=http://127.0.0.1:$(AZURE_PORT) POLARGRAM_TEST_AZURE_ACCOUNT=$(AZURE_ACCOUNT) \
		POLARGRAM_TEST_AZURE_KEY=$(AZURE_KEY) $(BIN)/python -m pytest -q tests/python/test_azure.py

## test-races: Miri and ThreadSanitizer over the shared weights; needs a nightly toolchain with miri and rust-src
RACES = cd tests/races && CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/races
test-races:
	$(RACES) MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --lib
	$(RACES) RUSTFLAGS=-Zsanitizer=thread cargo +nightly test --lib -Zbuild-std \
		--target $$(rustc +nightly -vV | sed -n 's/host: //p')

## fuzz: libFuzzer on one reader for SECONDS: make fuzz TARGET=corpus_npy; needs a nightly toolchain
FUZZ = cd fuzz && RUSTC_WRAPPER=$(abspath fuzz/rustc.sh) CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/fuzz cargo +nightly run --release

SECONDS ?= 60
fuzz:
	@[ -n "$(TARGET)" ] || { echo 'say which reader, make fuzz TARGET=… with one of'; ls fuzz/fuzz_targets | sed 's/\.rs//'; exit 2; }
	[ -e fuzz/Cargo.lock ] || cp Cargo.lock fuzz/
	[ -d fuzz/corpus ] || { $(FUZZ) --example seeds; }
	mkdir -p fuzz/artifacts/$(TARGET)
	$(FUZZ) --bin $(TARGET) -- corpus/$(TARGET) -artifact_prefix=artifacts/$(TARGET)/ -max_total_time=$(SECONDS) -rss_limit_mb=4096

### Documentation

## docs: the site in site/, with screenshots by Chromium if it is there, and rustdoc
.PHONY: docs clean-docs
docs: $(VENV)/maturin clean-docs
	$(DEVELOP) --extras docs
	cargo doc --no-deps --locked --lib
	cp -R $(CARGO_TARGET_DIR)/doc docs/rust
	$(BIN)/python docs/screenshots.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo 'The site is in site/. To read it: $(PYTHON) -m http.server --directory site'

clean: clean-docs
clean-docs:
	rm -rf site docs/made docs/rust

### Benchmarks

CORPUS ?= $(SHARED)/data/enwiki-tokens
# The dependencies of the tests, but this crate without its debug checks.
UNCHECKED := $(foreach check,debug-assertions overflow-checks,--config profile.dev.package.polargram.$(check)=false)

## bench: the kernel, and the comparison with gensim on the corpus in CORPUS
bench: build-test
	cargo bench --locked --profile dev $(UNCHECKED) --bench kernel -- --noplot
	$(BIN)/python benches/peer/compare.py --corpus $(CORPUS) --eval $(SHARED)/data/eval

## bench-integers: count and encode ROWS generated sessions of integers, and the same as strings
ROWS ?= 10000000
bench-integers: build-test
	$(BIN)/python benches/peer/integers.py --rows $(ROWS)

## bench-vectors: search, load and open vectors beside NumPy, faiss and gensim
bench-vectors: build-test
	$(BIN)/python benches/peer/vectors.py

## bench-expressions: look words and sentences of CORPUS up beside gensim, NumPy and Polars; encode ARTICLES beside model2vec
ARTICLES ?= $(SHARED)/data/enwiki-articles.parquet
bench-expressions: build-test
	$(BIN)/python benches/peer/expressions.py --corpus $(CORPUS)
	$(BIN)/python benches/peer/encode.py $(ARTICLES)

## bench-phrases: learn and join phrases in the corpus in CORPUS, beside gensim
bench-phrases: build-test
	$(BIN)/python benches/peer/phrases.py --corpus $(CORPUS)

## bench-s3: prepare a corpus from local Parquet and from s3s-fs, and train on one of eight times the budget
bench-s3: build-test $(S3S)
	$(WITH_S3) AWS_ACCESS_KEY_ID=$(S3_KEY) AWS_SECRET_ACCESS_KEY=$(S3_SECRET) AWS_REGION=us-east-1 \
		$(BIN)/python benches/peer/corpora.py --corpus $(CORPUS) --server http://127.0.0.1:$(S3_PORT)
