#!/usr/bin/env bash
# All tests, or with `gpu` those that need an NVIDIA GPU. They are ordinary tests whose names begin with
# `gpu_` and which are #[ignore]d elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."

what="${1:-all}"
nextest() { cargo nextest --version >/dev/null 2>&1; }

if [ "$what" = gpu ]; then
    # The driver, and not nvidia-smi, is what the code needs.
    ldconfig -p | grep -q 'libcuda\.so\.1' || {
        printf 'test-gpu: no NVIDIA driver (libcuda.so.1) on this machine\n  remedy: install the driver; "janction doctor" says more\n' >&2
        exit 1
    }
    if nextest; then
        exec cargo nextest run --release --locked --workspace --run-ignored only -E 'test(/(^|::)gpu_/)'
    fi
    exec cargo test --release --locked --workspace -- --ignored gpu_
fi

# nextest runs one process a test and leaves out doc tests; plain cargo test covers the same.
if nextest; then
    cargo nextest run --release --locked --workspace --no-fail-fast
    cargo test --release --locked --workspace --doc
else
    cargo test --release --locked --workspace --no-fail-fast
fi

if [ -f verifier-contracts/foundry.toml ]; then
    (cd verifier-contracts && PATH="$PWD/node_modules/.bin:$PATH" forge test)
fi
