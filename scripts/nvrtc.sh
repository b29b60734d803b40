#!/usr/bin/env bash
# Prints the folder of CUDA's run-time compiler, which the kernels' tests use; no GPU is needed for that. Where the machine
# has none, it is installed from PyPI into the cache folder. Prints nothing, and says why, when that is not possible.
set -euo pipefail

version=13.3.33
cache="${XDG_CACHE_HOME:-$HOME/.cache}/janction/nvrtc-$version"
say() { printf 'nvrtc: %s\n' "$1" >&2; }

ldconfig -p | grep -q 'libnvrtc\.so' && exit 0
if [ ! -f "$cache/.installed" ]; then
    python3 -m pip --version >/dev/null 2>&1 || { say "neither libnvrtc nor pip is there: kernels are not compiled"; exit 0; }
    say "installing nvidia-cuda-nvrtc $version from PyPI"
    rm -rf "$cache"
    python3 -m pip install --quiet --root-user-action=ignore --no-deps --target "$cache" "nvidia-cuda-nvrtc==$version" >&2 ||
        { say "pip failed: kernels are not compiled"; exit 0; }
    touch "$cache/.installed"
fi
dirname "$(find "$cache" -name 'libnvrtc.so.*' -print -quit)"
