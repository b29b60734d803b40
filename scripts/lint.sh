#!/usr/bin/env bash
# Formatting, clippy with warnings as errors, and the floors of the house.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all --check
cargo clippy --release --locked --workspace --all-targets -- -D warnings
cargo test --release --locked -p janction --test floors
(cd verifier-contracts && node script/forge.mjs fmt --check)
