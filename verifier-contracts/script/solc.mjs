#!/usr/bin/env node
// What forge expects of a `solc` binary, answered by the compiler that npm ships as WebAssembly.
import { readFileSync } from "node:fs";
import solc from "solc";

const args = process.argv.slice(2);
if (args.includes("--version")) {
    console.log("solc, the solidity compiler commandline interface (WebAssembly)");
    console.log(`Version: ${solc.version()}`);
} else if (args.includes("--standard-json")) {
    process.stdout.write(solc.compile(readFileSync(0, "utf8")));
} else {
    console.error("solc.mjs answers only --version and --standard-json (it is called by forge)");
    process.exit(2);
}
