#!/usr/bin/env bash
# Prints the folder of a virtual environment with requirements.txt in it, made once in the cache folder.
set -euo pipefail
cd "$(dirname "$0")"

environment="${XDG_CACHE_HOME:-$HOME/.cache}/janction/peers/environment"
stamp="$environment/.installed-from"
if ! cmp --quiet requirements.txt "$stamp"; then
    printf 'peers: installing %s from PyPI into %s\n' "$(paste -sd ' ' requirements.txt)" "$environment" >&2
    rm -rf "$environment"
    python3 -m venv "$environment" >&2 ||
        { printf 'peers: no virtual environment\n  remedy: apt-get install python3-venv\n' >&2; exit 1; }
    "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt >&2 ||
        { printf 'peers: pip failed\n  remedy: use Python 3.11 or newer; EZKL has packages for Linux and macOS\n' >&2; exit 1; }
    cp requirements.txt "$stamp"
fi
printf '%s\n' "$environment"
