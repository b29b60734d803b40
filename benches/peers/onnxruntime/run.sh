#!/usr/bin/env bash
# Runs compare.py (its arguments are this script's) with onnxruntime in a virtual environment, made once in the cache folder.
set -euo pipefail
cd "$(dirname "$0")"

environment="$(../environment.sh)"
exec "$environment/bin/python" compare.py "$@"
