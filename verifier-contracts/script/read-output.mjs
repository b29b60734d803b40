#!/usr/bin/env node
// Shows that a contract can use what a job computed: deploys an `OutputReader` for the job and lets it take the output
// root from the rollup, in a transaction of its own.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Contract, ContractFactory, JsonRpcProvider, NonceManager, Wallet, isAddress } from "ethers";

const HELP = `Deploys an OutputReader for a job and lets it read the job's output root from the rollup.

  read-output.mjs --rollup ADDRESS --job N [--rpc URL]

The root must have been published (publishOutput; anyone may, once the job's Settle is proven). The key that pays is read
from the environment variable JANCTION_DEPLOYER_KEY. Prints {"job", "outputRoot", "reader", "gasUsed"} as JSON.

  --rollup ADDRESS  the rollup
  --job N           index of the job
  --rpc URL         JSON-RPC endpoint of L1  [http://127.0.0.1:8545]
  --help            this text

Example:
  JANCTION_DEPLOYER_KEY=0x... node script/read-output.mjs --rollup 0x... --job 1

Exit codes: 2 wrong arguments, 3 L1 unreachable, 6 not published, 1 anything else.`;

class ReadError extends Error {
    constructor(code, exit, message) {
        super(message);
        this.code = code;
        this.exit = exit;
    }
}
const usage = (message) => new ReadError("USAGE", 2, `${message} (see --help)`);

function options() {
    try {
        return parseArgs({
            options: {
                rollup: { type: "string" },
                job: { type: "string" },
                rpc: { type: "string", default: "http://127.0.0.1:8545" },
                help: { type: "boolean" },
            },
        }).values;
    } catch (e) {
        throw usage(e.message);
    }
}

/** The endpoint's chain id. Asked by hand: ethers would try for ever. */
async function chainOf(rpc) {
    try {
        const answer = await fetch(rpc, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }),
            signal: AbortSignal.timeout(10_000),
        });
        return BigInt((await answer.json()).result);
    } catch (e) {
        const reason = e.cause?.code ?? e.message;
        throw new ReadError("L1_UNREACHABLE", 3, `L1 at ${rpc} does not answer (${reason}): is the node running, is the URL right?`);
    }
}

async function main() {
    const o = options();
    if (o.help) {
        console.log(HELP);
        return;
    }
    if (!isAddress(o.rollup)) throw usage("--rollup must be an address");
    if (!/^\d{1,8}$/.test(o.job ?? "") || Number(o.job) >= 1 << 24) throw usage("--job must be a number below 2^24");
    const key = process.env.JANCTION_DEPLOYER_KEY ?? "";
    if (!/^(0x)?[0-9a-fA-F]{64}$/.test(key)) throw usage("set JANCTION_DEPLOYER_KEY to a private key");

    const file = join(dirname(fileURLToPath(import.meta.url)), "..", "bindings", "artifacts", "OutputReader.json");
    const { abi, bytecode } = JSON.parse(readFileSync(file, "utf8"));
    const provider = new JsonRpcProvider(o.rpc, await chainOf(o.rpc), { staticNetwork: true, pollingInterval: 200, cacheTimeout: -1 });
    const rollup = new Contract(o.rollup, ["function outputRoot(uint256 job) view returns (bytes32)"], provider);
    if (BigInt(await rollup.outputRoot(o.job)) === 0n) {
        throw new ReadError("NOT_PUBLISHED", 6, `no output of job ${o.job} is published: wait for the proof of its Settle, then call publishOutput`);
    }
    const signer = new NonceManager(new Wallet(key, provider));
    const reader = await new ContractFactory(abi, bytecode, signer).deploy(o.rollup, o.job);
    await reader.waitForDeployment();
    const receipt = await (await reader.take()).wait();
    const answer = {
        job: Number(o.job),
        outputRoot: await reader.taken(),
        reader: await reader.getAddress(),
        gasUsed: Number(receipt.gasUsed),
    };
    console.log(JSON.stringify(answer));
    provider.destroy();
}

main().catch((e) => {
    console.error(e instanceof ReadError ? `read-output: ${e.code}: ${e.message}` : `read-output: ${e.stack ?? e}`);
    process.exit(e.exit ?? 1);
});
