#!/usr/bin/env bash
# What is generated and checked in under verifier-contracts/, made anew from the sources and the proving keys:
#   generated/           the halo2 verifier of the keys (source, bytecode, what the wrapper pins), and a proof under them
#   generated/program/   the same of programs' proofs for contracts, with the contract of the digits' network
#   bindings/artifacts/  ABI and bytecode of the other contracts, for Rust and the deployment script
# --check compares and changes nothing. --proof also makes the proofs anew, which takes minutes; it must be when
# the keys have changed. Keys that are not in $JANCTION_KEYS_DIR are built there, which takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

check=() proof=
for option in "$@"; do
    case "$option" in
        --check) check=(--check) ;;
        --proof) proof=yes ;;
        *) printf 'contracts: unknown option %s; there are --check and --proof\n' "$option" >&2; exit 2 ;;
    esac
done
keys="${JANCTION_KEYS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/janction/keys}"
# An example of janction-prover. Without -p, which would build half of the dependencies again with fewer features: `cargo
# test --workspace` has built it already.
run() { cargo run --release --locked --quiet --example "$@"; }

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
printf 'contracts: the verifier of the keys in %s (those that are missing are built, which takes minutes)\n' "$keys" >&2
run verifier_contract "$keys" "$out"
if [ -n "$proof" ]; then
    mkdir -p verifier-contracts/generated
    run proof_fixture "$keys" verifier-contracts/generated/proof.json
    # It pins the compiled verifier, which says so until the proof is there.
    (cd verifier-contracts && node script/verifier.mjs "$out") || true
    run contract_fixture "$keys" verifier-contracts/generated/program
fi
cd verifier-contracts
node script/verifier.mjs "${check[@]}" "$out"
node script/forge.mjs build src test/support/OutputReader.sol
node script/artifacts.mjs "${check[@]}"
