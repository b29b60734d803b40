#!/usr/bin/env bash
# Formatting, clippy with warnings as errors, estimates that the docs quote, and the floors of the house.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all --check
# What docs/security.md says of sketches is what the estimate says.
if command -v python3 >/dev/null; then
    while read -r line; do
        grep -qF "$line" docs/security.md || { echo "docs/security.md lacks: $line"; exit 1; }
    done < <(python3 docs/estimates/sketch.py)
fi
cargo clippy --release --locked --workspace --all-targets -- -D warnings
cargo test --release --locked -p janction --test floors
(cd verifier-contracts && node script/forge.mjs fmt --check)
