# `make demo` and `make test` need Rust, Python 3.10 or newer and make; everything else they install themselves.

PYTHON ?= python3
# Outside the checkout, so that a second clone finds the compiled dependencies.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/polargram/target

VENV := .venv
BIN := $(VENV)/bin
SHARED := ../shared
# The acceptance files of finished issues.
ACCEPTED := test_02_slice.py test_03_training.py test_04_corpora.py

.PHONY: demo test bench build build-test format imports lint test-rust test-python test-accept test-s3 test-azure bench-s3 test-races clean

## demo: from nothing to neighbours, analogies and a Polars lookup
demo: build
	$(BIN)/python examples/demo.py demo

## test: everything that CI checks
test: lint test-rust test-python test-accept

## bench: the kernel, and the comparison with gensim on the corpus in $(CORPUS)
# The dependencies of the tests, but this crate without its debug checks.
UNCHECKED := $(foreach check,debug-assertions overflow-checks,--config profile.dev.package.polargram.$(check)=false)
CORPUS ?= $(SHARED)/data/enwiki-tokens
bench: build-test
	cargo bench --locked --profile dev $(UNCHECKED) --bench kernel -- --noplot
	$(BIN)/python benches/peer/compare.py --corpus $(CORPUS) --eval $(SHARED)/data/eval

## build: the Python package, optimised, in .venv
build: $(VENV)/maturin
	$(DEVELOP)

# The same with what the tests need.
build-test: $(VENV)/maturin
	$(DEVELOP) --extras test

DEVELOP = VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --quiet --release --locked

$(VENV)/maturin: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; say make PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "maturin>=1.16,<2"
	touch $@

## imports: draw which folder of src imports which, into CONTRIBUTING.md; fails on a circle
imports:
	$(PYTHON) tests/imports.py --write

format:
	cargo fmt
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: build-test
	cargo fmt --check
	# Nothing is linked, so no interpreter is needed; naming one would tie what is compiled to this clone.
	PYO3_NO_PYTHON=1 PYO3_BUILD_EXTENSION_MODULE=1 cargo clippy --locked --all-targets --features python -- -D warnings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test-rust:
	cargo test --locked

test-python: build-test
	$(BIN)/python -m pytest -q tests/python

test-accept: build-test
	@if [ -d $(SHARED)/accept ]; then \
		$(BIN)/python -m pytest -q -p no:cacheprovider $(addprefix $(SHARED)/accept/,$(ACCEPTED)); \
	else \
		echo "skipped: $(SHARED)/accept is not here"; \
	fi

## test-s3: the tests of object stores against a server that checks signatures; installed on first use
S3S := $(CARGO_TARGET_DIR)/tools/bin/s3s-fs
$(S3S):
	cargo install --quiet --locked --features binary --root $(CARGO_TARGET_DIR)/tools s3s-fs@0.14.1

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
AZURITE := $(CARGO_TARGET_DIR)/tools/node_modules/.bin/azurite-blob
$(AZURITE):
	npm install --silent --no-save --prefix $(CARGO_TARGET_DIR)/tools azurite@3

AZURE_PORT := 9184
# The account that every Azurite has.
AZURE_ACCOUNT := devstoreaccount1
AZURE_KEY := Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==
test-azure: build-test $(AZURITE)
	{ $(AZURITE) --inMemoryPersistence --disableTelemetry --skipApiVersionCheck --silent --blobPort $(AZURE_PORT) \
		>/dev/null & } && trap "kill $$!" EXIT && sleep 5 && \
		POLARGRAM_TEST_AZURE_ENDPOINT=http://127.0.0.1:$(AZURE_PORT) POLARGRAM_TEST_AZURE_ACCOUNT=$(AZURE_ACCOUNT) \
		POLARGRAM_TEST_AZURE_KEY=$(AZURE_KEY) $(BIN)/python -m pytest -q tests/python/test_azure.py

## bench-s3: preparing a corpus from local Parquet and from that server, and training one of eight times the budget
bench-s3: build-test $(S3S)
	$(WITH_S3) AWS_ACCESS_KEY_ID=$(S3_KEY) AWS_SECRET_ACCESS_KEY=$(S3_SECRET) AWS_REGION=us-east-1 \
		$(BIN)/python benches/peer/corpora.py --corpus $(CORPUS) --server http://127.0.0.1:$(S3_PORT)

## test-races: Miri and ThreadSanitizer over the shared weights; needs a nightly toolchain with miri and rust-src
RACES = cd tests/races && CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/races
test-races:
	$(RACES) MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --lib
	$(RACES) RUSTFLAGS=-Zsanitizer=thread cargo +nightly test --lib -Zbuild-std \
		--target $$(rustc +nightly -vV | sed -n 's/host: //p')

clean:
	rm -rf $(VENV) demo python/polargram/*.so
