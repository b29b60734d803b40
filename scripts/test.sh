#!/usr/bin/env bash
# All tests, or with `gpu` those that need an NVIDIA GPU. They are ordinary tests whose names begin with
# `gpu_` and which are #[ignore]d elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."

what="${1:-all}"

if [ "$what" = gpu ]; then
    # The driver, and not nvidia-smi, is what the code needs.
    ldconfig -p | grep -q 'libcuda\.so\.1' || {
        printf 'test-gpu: no NVIDIA driver (libcuda.so.1) on this machine\n  remedy: install the driver; "janction doctor" says more\n' >&2
        exit 1
    }
    # In a folder of LD_LIBRARY_PATH, or where the loader looks anyway.
    IFS=: read -ra folders <<<"${LD_LIBRARY_PATH:-}"
    nvrtc="$(find "${folders[@]}" -maxdepth 1 -name 'libnvrtc.so*' -print -quit 2>/dev/null || true)"
    [ -n "$nvrtc" ] || ldconfig -p | grep -q 'libnvrtc\.so' || {
        printf 'test-gpu: no run-time compiler of CUDA (libnvrtc) was found\n  remedy: pip install nvidia-cuda-nvrtc, and put its lib folder on LD_LIBRARY_PATH\n' >&2
        exit 1
    }
    exec cargo test --release --locked --workspace -- --ignored gpu_
fi

# With CUDA's compiler on the path, the kernels are compiled for every architecture that is supported.
nvrtc=$(scripts/nvrtc.sh)
[ -z "$nvrtc" ] || export LD_LIBRARY_PATH="$nvrtc${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

# Plain cargo test, one process a test binary: circuits and keys are built once and shared by the tests of a binary.
# (nextest starts a process for each test, which would build them anew every time.)
cargo test --release --locked --workspace --no-fail-fast
# Every bench that needs no keys once, so that they do not rot.
cargo bench --locked --bench stages -- --test

# Unit, fuzz and invariant tests, real proofs, and the gas of every call against the snapshot.
(cd verifier-contracts && node script/forge.mjs test)
# What is generated and checked in must be what the sources and the keys give.
scripts/contracts.sh --check
