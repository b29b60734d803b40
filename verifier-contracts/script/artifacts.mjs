#!/usr/bin/env node
// Extracts ABI and creation bytecode of the contracts that Rust and the deployment script use from forge's output
// into small files that are checked in, so that neither needs a compiler. `--check` fails when they are stale.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const check = process.argv.includes("--check");
const contracts = ["JCT", "VerifierWrapper", "Rollup", "OutputReader"];

let stale = false;
mkdirSync(join(root, "bindings", "artifacts"), { recursive: true });
for (const name of contracts) {
    const { abi, bytecode } = JSON.parse(readFileSync(join(root, "out", `${name}.sol`, `${name}.json`), "utf8"));
    const text = JSON.stringify({ contractName: name, abi, bytecode: bytecode.object }, null, 1) + "\n";
    const file = join(root, "bindings", "artifacts", `${name}.json`);
    if (!check) {
        writeFileSync(file, text);
    } else if (readFileSync(file, "utf8") !== text) {
        console.error(`${file} is stale: run \`npm run artifacts\``);
        stale = true;
    }
}
process.exit(stale ? 1 : 0);
