#!/usr/bin/env node
// Compiles the generated verifiers. As a program: takes FOLDER with `Halo2Verifier.sol` and `verifier.json`, as the
// example `verifier_contract` of janction-prover writes them, into `generated/`, which is checked in; and FOLDER/program, the
// same of programs' proofs, into `generated/program`. `--check` fails when that is stale. scripts/contracts.sh runs both.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv, exit } from "node:process";
import { fileURLToPath } from "node:url";
import { keccak256 } from "ethers";

/** Code size limit of the EVM, in bytes. */
export const CODE_LIMIT = 24_576;

const NAME = "Halo2Verifier";

/**
 * Creation and runtime bytecode of the generated verifier, in hex with 0x.
 * @param {string} source Solidity
 * @throws {Error} with a reason when solc refuses it
 */
export async function compile(source) {
    const { default: solc } = await import("solc");
    // Unoptimised: the source is one block of assembly, on which the optimiser runs out of stack.
    const output = JSON.parse(
        solc.compile(
            JSON.stringify({
                language: "Solidity",
                sources: { [`${NAME}.sol`]: { content: source } },
                settings: {
                    evmVersion: "cancun",
                    optimizer: { enabled: false },
                    metadata: { bytecodeHash: "none", appendCBOR: false },
                    outputSelection: { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.object"] } },
                },
            }),
        ),
    );
    const errors = (output.errors ?? []).filter((e) => e.severity === "error");
    const contract = output.contracts?.[`${NAME}.sol`]?.[NAME];
    if (errors.length > 0 || !contract) {
        throw new Error(errors[0]?.formattedMessage ?? `it holds no contract ${NAME}`);
    }
    const { bytecode, deployedBytecode } = contract.evm;
    return { creation: `0x${bytecode.object}`, runtime: `0x${deployedBytecode.object}` };
}

async function main() {
    const check = argv.includes("--check");
    const folder = argv.slice(2).find((word) => word !== "--check");
    if (!folder) throw new Error("usage: verifier.mjs [--check] FOLDER");
    const generated = join(dirname(fileURLToPath(import.meta.url)), "..", "generated");
    const stale = [
        await one(folder, generated, check),
        await one(join(folder, "program"), join(generated, "program"), check),
    ];
    exit(stale.includes(true) ? 1 : 0);
}

/** Writes or checks one verifier. Whether something checked in is stale. */
async function one(folder, generated, check) {
    const source = readFileSync(join(folder, `${NAME}.sol`), "utf8");
    const about = JSON.parse(readFileSync(join(folder, "verifier.json"), "utf8"));
    const { creation, runtime } = await compile(source);
    const codeSize = (runtime.length - 2) / 2;
    if (codeSize > CODE_LIMIT) throw new Error(`the verifier has ${codeSize} bytes of code, the limit is ${CODE_LIMIT}`);
    const artifact = { contractName: NAME, ...about, codeSize, codeHash: keccak256(runtime), bytecode: creation };
    const files = { [`${NAME}.sol`]: source, [`${NAME}.json`]: JSON.stringify(artifact, null, 1) + "\n" };
    if (!check) mkdirSync(generated, { recursive: true });
    let stale = false;
    for (const [name, text] of Object.entries(files)) {
        const file = join(generated, name);
        if (!check) {
            writeFileSync(file, text);
        } else if (!existsSync(file) || readFileSync(file, "utf8") !== text) {
            console.error(`${file} is not what the keys give: run \`make contracts\``);
            stale = true;
        }
    }
    const fixture = join(generated, "proof.json");
    const proven = existsSync(fixture) ? JSON.parse(readFileSync(fixture, "utf8")).keyDigest : undefined;
    if (proven !== about.keyDigest) {
        const what = proven ? `a proof under another key (${proven})` : "missing";
        console.error(`${fixture} is ${what}; the key is ${about.keyDigest}: run \`make contracts PROOF=1\``);
        stale = true;
    }
    return stale;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
    await main().catch((e) => {
        console.error(`verifier: ${e.message}`);
        exit(2);
    });
}
