#!/usr/bin/env node
// Runs forge and exits as it does. npm's own `.bin/forge` is a script that always exits with 0, so that a failed test
// would pass unnoticed.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const architecture = process.arch === "x64" ? "amd64" : process.arch;
const program = `@foundry-rs/forge-${process.platform}-${architecture}/bin/forge`;
let forge;
try {
    forge = createRequire(import.meta.url).resolve(program);
} catch {
    console.error(`forge.mjs: ${program} is not installed: run \`make setup\``);
    process.exit(2);
}
const cwd = join(dirname(fileURLToPath(import.meta.url)), "..");
const { status, signal, error } = spawnSync(forge, process.argv.slice(2), { cwd, stdio: "inherit" });
if (error) console.error(`forge.mjs: ${error.message}`);
if (signal) console.error(`forge.mjs: forge was ended by ${signal}`);
process.exit(status ?? 1);
