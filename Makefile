# Every target does its own set-up; `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/janction

# One target folder, keys and SRS for all check-outs: RocksDB alone costs ten minutes on two cores.
export CARGO_TARGET_DIR ?= $(CACHE)/target
export JANCTION_KEYS_DIR    ?= $(CACHE)/keys
export PATH             := $(CURDIR)/verifier-contracts/node_modules/.bin:$(CACHE)/node/node_modules/.bin:$(PATH)

JANCTION := $(CARGO_TARGET_DIR)/release/janction

.PHONY: help setup build demo test test-gpu bench bench-prover bench-peers bench-worker bench-onnxruntime lint contracts contracts-check clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  build outputs  $(CARGO_TARGET_DIR)"
	@echo "  keys and SRS   $(JANCTION_KEYS_DIR)"

setup: ## install what is missing (apt, npm); quick when there is nothing to do
	@scripts/setup.sh

build: setup ## the janction binary, proving keys and SRS
	@cargo build --release --locked -p janction
	@$(JANCTION) prover --prepare
	@echo "built $(JANCTION)"

demo: build ## the main job, end to end, on an embedded L1 (CHEAT=1: the winner cheats)
	@$(JANCTION) demo $(if $(CHEAT),--cheat only)

test: setup ## all tests: Rust and contracts
	@scripts/test.sh

test-gpu: setup ## the tests that need an NVIDIA GPU
	@scripts/test.sh gpu

bench: setup ## what each stage costs (ONLY=NAME: that stage; DOC=1: into docs/benchmarks.md)
	@$(if $(DOC),BENCH_DOC=docs/benchmarks.md) cargo bench --locked --bench stages -- $(ONLY)

# Plonky2's SIMD is chosen by .cargo/config.toml: that of this processor.
bench-prover: setup ## the proving engine beside stock Plonky2, each in a process of its own (ARGS="--quick --json")
	@cargo build --release --locked -p janction -p janction-prover-bench --bins
	@$(JANCTION) bench prover --stock $(CARGO_TARGET_DIR)/release/janction-stock $(ARGS)

bench-peers: ## EZKL on the models of examples/, beside Janction's own figures (ARGS="--models cnn --cores 1 --json")
	@benches/peers/ezkl/run.sh $(ARGS)

bench-worker: setup ## the cost of verifiability, for every example and products (ARGS="--sizes 8192 --device cuda:0 --json")
	@cargo build --release --locked -p janction --bins
	@$(JANCTION) bench worker --sizes 1024,2048,4096 \
		--models examples/digits/mlp_64_32_10.onnx,examples/mnist/mlp_784_128_10.onnx,examples/mnist/cnn.onnx $(ARGS)

bench-onnxruntime: setup ## the CPU executor beside onnxruntime's int8 on the same cores (ARGS="--models cnn --cores 1 --json")
	@cargo build --release --locked -p janction-executor --example execute
	@benches/peers/onnxruntime/run.sh --executable $(CARGO_TARGET_DIR)/release/examples/execute $(ARGS)

lint: setup ## formatting, clippy, floors
	@scripts/lint.sh

contracts: setup ## verifier, artifacts and gas snapshot anew, with PROOF=1 the proof for the tests too
	@scripts/contracts.sh $(if $(PROOF),--proof)
	@cd verifier-contracts && npm run --silent snapshot

contracts-check: setup ## whether the generated files are what the sources and keys give
	@scripts/contracts.sh --check

clean: ## remove build outputs (keys and SRS stay)
	@cargo clean
	@rm -rf target verifier-contracts/out verifier-contracts/cache
