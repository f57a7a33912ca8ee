# The front door. `make run` serves, `make test` passes, on a machine that has cargo and python3.

# Outside of the checkout, so that a fresh clone finds what has been built before.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/stoa/target
TOOLS = $(or $(STOA_TOOLS),$(HOME)/.cache/stoa/tools)
# Adapters that the binary does not have yet. The same for every step, so that nothing is built twice.
FEATURES = stoa-index/mysql,stoa-index/postgres,stoa-storage/external,stoa-storage/mongodb

.PHONY: run test lint audit fmt bench fuzz tools help

## run: build and serve with no configuration
run:
	cargo run --profile release-fast --package stoa -- serve

## test: install what the tests need, then run all of them
test: tools
	cargo test --workspace --features $(FEATURES) --no-fail-fast
	STOA_TEST_REDIS=1 cargo test --workspace --features $(FEATURES) --test jobs -- prefetch modes mirrors
	RUST_TEST_THREADS=8 cargo test --workspace --features $(FEATURES) --test endure_jobs
	cargo test --workspace --features $(FEATURES),stoa-jobs/kafka-tls --test kafka

## lint: file lengths, layers, manifests, formatting, lints, documentation, licences
lint:
	scripts/file-lengths.sh
	python3 scripts/test_layers.py --quiet
	scripts/layers.py
	scripts/decorators.py
	scripts/tools.sh lint
	python3 scripts/manifests.py
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features $(FEATURES) --locked -- --deny warnings
	cargo clippy --workspace --all-targets --features $(FEATURES),stoa/kafka-tls --locked -- --deny warnings
	# Crates with features build without them, too: what is built together hides what is missing alone.
	for crate in stoa-storage stoa-index stoa-jobs stoa-registry; do cargo check -p $$crate --no-default-features --locked || exit 1; done
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --features $(FEATURES) --no-deps --document-private-items --locked
	$(TOOLS)/bin/cargo-deny --locked --log-level error check bans licenses sources

## audit: known vulnerabilities of what is built in; fetches the advisory database, so it needs the network
audit:
	scripts/tools.sh lint
	$(TOOLS)/bin/cargo-deny --locked --log-level error check advisories

## fmt: format everything
fmt:
	cargo fmt --all

## bench: measure beside nginx, beside the upstream itself, beside the go command and beside a plain client; prints tables
bench:
	scripts/tools.sh bench
	cargo build --profile release-fast --package stoa --locked
	python3 bench/hot.py $(CARGO_TARGET_DIR)/release-fast/stoa
	python3 bench/buckets.py $(CARGO_TARGET_DIR)/release-fast/stoa
	cargo build --profile release-fast --package stoa-index --example million --locked
	python3 bench/index.py $(CARGO_TARGET_DIR)/release-fast/stoa $(CARGO_TARGET_DIR)/release-fast/examples/million
	python3 bench/many.py $(CARGO_TARGET_DIR)/release-fast/stoa
	python3 bench/cold.py $(CARGO_TARGET_DIR)/release-fast/stoa
	python3 bench/direct.py $(CARGO_TARGET_DIR)/release-fast/stoa
	cargo build --profile release-fast --package stoa-dispatch --example dispatch_lab --locked
	python3 bench/dispatch.py $(CARGO_TARGET_DIR)/release-fast/examples/dispatch_lab
	cargo build --profile release-fast --package stoa-jobs --features redis --example store_bench --locked
	python3 bench/jobs.py $(CARGO_TARGET_DIR)/release-fast/stoa $(CARGO_TARGET_DIR)/release-fast/examples/store_bench
	cargo build --profile release-fast --package stoa-registry --example lookup_bench --locked
	python3 bench/cluster.py $(CARGO_TARGET_DIR)/release-fast/stoa $(CARGO_TARGET_DIR)/release-fast/examples/lookup_bench

## fuzz: many more property cases (FUZZ_CASES=20000), random repositories (FUZZ_REPOSITORIES=200) and a while for each
##       target in fuzz/ (FUZZ_SECONDS=60, FUZZ_TARGETS="names tar")
fuzz:
	scripts/tools.sh fuzz
	PROPTEST_CASES=$(or $(FUZZ_CASES),20000) cargo test --release --package stoa-module --package stoa-sumdb
	STOA_DIFFERENTIAL_COUNT=$(or $(FUZZ_REPOSITORIES),200) cargo test --package stoa --test differential -- --nocapture
	STOA_FAULTS=all cargo test --package stoa-vcs --test git -- faults --nocapture
	STOA_FAULTS=all cargo test --package stoa --test resume -- cut --nocapture
	TOOLS=$(TOOLS) scripts/fuzz.sh $(FUZZ_TARGETS)

## tools: install what the tests need
tools:
	@scripts/tools.sh

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)
