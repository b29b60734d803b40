#!/usr/bin/env node
// Deploys JCT, the generated verifier, its wrapper and the rollup, and writes where they are.
//
// The ledger's genesis root contains the chain id and the rollup's address, so the address must be known before the
// rollup exists: `--predict` tells it from the deployer's nonce, the root is computed from it, and the deployment
// makes sure that the prediction still holds before it sends anything.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ContractFactory, JsonRpcProvider, NonceManager, Wallet, getAddress, getCreateAddress, keccak256 } from "ethers";
import { CODE_LIMIT, compile } from "./verifier.mjs";

const HELP = `Deploys Janction's contracts on L1.

  deploy.mjs --predict  [--rpc URL] [--chain-id N]
  deploy.mjs --genesis-root HEX --rollup ADDRESS --verifier FILE --proof-length N --srs-hash HEX [options]

The deployer's private key is read from the environment variable JANCTION_DEPLOYER_KEY.

  --predict             print {"chainId", "deployer", "nonce", "rollup"} as JSON and send nothing
  --rpc URL             JSON-RPC endpoint of L1                        [http://127.0.0.1:8545]
  --chain-id N          refuse any other chain                          [the endpoint's]
  --genesis-root HEX    ledger root of the empty ledger, 32 bytes, for this chain id and rollup address
  --rollup ADDRESS      the predicted address that the root was made for
  --verifier FILE       generated verifier: Solidity source (.sol), or creation bytecode in hex
  --proof-length N      bytes of a proof
  --srs-hash HEX        hash of the structured reference string, 32 bytes
  --development-srs     the string was made locally; refused by the contract outside chain 31337
  --operator ADDRESS    who commits batches                             [the deployer]
  --max-batch-age N     seconds                                         [3600]
  --prover-reward WEI   JCT wei paid per proven batch                   [0]
  --beacon-delay N      L1 blocks from Submit to beacon                 [128; 2 on chain 31337]
  --out FILE            where to write                                  [deployment.json]
  --help                this text

Examples:
  JANCTION_DEPLOYER_KEY=0x... node script/deploy.mjs --predict
  JANCTION_DEPLOYER_KEY=0x... node script/deploy.mjs --genesis-root 0x... --rollup 0x... \\
      --verifier Halo2Verifier.sol --proof-length 1664 --srs-hash 0x... --development-srs

Exit codes: 2 wrong arguments, 3 L1 unreachable, 4 wrong chain, 5 insufficient funds, 6 the prediction no longer holds,
7 the verifier cannot be compiled, 8 a deployment reverted, 1 anything else.`;

/** An error whose message says what to do. */
class DeployError extends Error {
    constructor(code, exit, message) {
        super(message);
        this.code = code;
        this.exit = exit;
    }
}
const usage = (message) => new DeployError("USAGE", 2, `${message} (see --help)`);

const here = dirname(fileURLToPath(import.meta.url));
const DEVELOPMENT_CHAIN = 31337n;
/** Transactions before the rollup's: JCT, verifier, wrapper. */
const BEFORE_ROLLUP = 3;

function artifact(name) {
    return JSON.parse(readFileSync(join(here, "..", "bindings", "artifacts", `${name}.json`), "utf8"));
}

function options() {
    let values;
    try {
        ({ values } = parseArgs({
            options: {
                predict: { type: "boolean" },
                rpc: { type: "string", default: "http://127.0.0.1:8545" },
                "chain-id": { type: "string" },
                "genesis-root": { type: "string" },
                rollup: { type: "string" },
                verifier: { type: "string" },
                "proof-length": { type: "string" },
                "srs-hash": { type: "string" },
                "development-srs": { type: "boolean", default: false },
                operator: { type: "string" },
                "max-batch-age": { type: "string", default: "3600" },
                "prover-reward": { type: "string", default: "0" },
                "beacon-delay": { type: "string" },
                out: { type: "string", default: "deployment.json" },
                help: { type: "boolean" },
            },
        }));
    } catch (e) {
        throw usage(e.message);
    }
    return values;
}

function integer(name, text) {
    if (!/^\d+$/.test(text ?? "")) throw usage(`--${name} must be a whole number`);
    return BigInt(text);
}
function word(name, text) {
    if (!/^0x[0-9a-fA-F]{64}$/.test(text ?? "")) throw usage(`--${name} must be 32 bytes in hex, with 0x`);
    return text.toLowerCase();
}
function address(name, text) {
    try {
        return getAddress(text);
    } catch {
        throw usage(`--${name} must be an address`);
    }
}

async function connect(o) {
    const key = process.env.JANCTION_DEPLOYER_KEY;
    if (!key) throw usage("set JANCTION_DEPLOYER_KEY to the deployer's private key");
    let wallet;
    try {
        wallet = new Wallet(key);
    } catch {
        throw usage("JANCTION_DEPLOYER_KEY is not a private key");
    }
    let chainId;
    try {
        const answer = await fetch(o.rpc, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }),
            signal: AbortSignal.timeout(10_000),
        });
        chainId = BigInt((await answer.json()).result);
    } catch (e) {
        const reason = e.cause?.code ?? e.message;
        throw new DeployError("L1_UNREACHABLE", 3, `L1 at ${o.rpc} does not answer (${reason}): is the node running, is the URL right?`);
    }
    if (o["chain-id"] !== undefined && integer("chain-id", o["chain-id"]) !== chainId) {
        throw new DeployError("WRONG_CHAIN", 4, `L1 at ${o.rpc} is chain ${chainId}, not ${o["chain-id"]}: point --rpc to another endpoint`);
    }
    const provider = new JsonRpcProvider(o.rpc, chainId, { staticNetwork: true, pollingInterval: 200, cacheTimeout: -1 });
    return { provider, wallet: wallet.connect(provider), chainId };
}

/** Creation bytecode of the generated verifier. */
async function verifierBytecode(file) {
    if (!existsSync(file)) throw usage(`--verifier: there is no file ${file}`);
    const text = readFileSync(file, "utf8");
    if (!file.endsWith(".sol")) {
        const hex = text.trim().replace(/^0x/, "");
        if (!/^([0-9a-fA-F]{2})+$/.test(hex)) throw usage(`--verifier: ${file} is neither .sol nor hex`);
        return `0x${hex}`;
    }
    let code;
    try {
        code = await compile(text);
    } catch (e) {
        throw new DeployError("VERIFIER_SOURCE", 7, `${file} cannot be compiled: ${e.message}`);
    }
    const size = (code.runtime.length - 2) / 2;
    if (size > CODE_LIMIT) {
        throw new DeployError("VERIFIER_TOO_LARGE", 7, `the verifier has ${size} bytes of code, the limit is ${CODE_LIMIT}: use fewer columns`);
    }
    return code.creation;
}

async function deploy(name, factory, args, deployer) {
    let contract;
    try {
        contract = await factory.deploy(...args);
        const receipt = await contract.deploymentTransaction().wait();
        return { address: getAddress(receipt.contractAddress), block: receipt.blockNumber, gasUsed: receipt.gasUsed };
    } catch (e) {
        if (e.code === "INSUFFICIENT_FUNDS" || /insufficient funds/i.test(e.message)) {
            throw new DeployError("INSUFFICIENT_FUNDS", 5, `${deployer} cannot pay for the deployment of ${name}: send it ether on L1`);
        }
        const reason = e.revert ? `${e.revert.name}(${e.revert.args.join(", ")})` : (e.shortMessage ?? e.message);
        throw new DeployError("DEPLOYMENT_REVERTED", 8, `${name} was not deployed: ${reason}`);
    }
}

async function main() {
    const o = options();
    if (o.help) {
        console.log(HELP);
        return;
    }
    const { provider, wallet, chainId } = await connect(o);
    const nonce = await provider.getTransactionCount(wallet.address, "pending");
    const predicted = getCreateAddress({ from: wallet.address, nonce: nonce + BEFORE_ROLLUP });
    if (o.predict) {
        console.log(JSON.stringify({ chainId: Number(chainId), deployer: wallet.address, nonce, rollup: predicted }));
        return;
    }

    const root = word("genesis-root", o["genesis-root"]);
    const proofLength = integer("proof-length", o["proof-length"]);
    const srsHash = word("srs-hash", o["srs-hash"]);
    const maxBatchAge = integer("max-batch-age", o["max-batch-age"]);
    const proverReward = integer("prover-reward", o["prover-reward"]);
    const beaconDelay = integer("beacon-delay", o["beacon-delay"] ?? (chainId === DEVELOPMENT_CHAIN ? "2" : "128"));
    const operator = o.operator === undefined ? wallet.address : address("operator", o.operator);
    if (address("rollup", o.rollup) !== predicted) {
        throw new DeployError("PREDICTION_BROKEN", 6, `the next rollup of ${wallet.address} gets the address ${predicted}, not ${o.rollup}: run --predict again and make the genesis root anew`);
    }
    if (o["development-srs"] && chainId !== DEVELOPMENT_CHAIN) {
        throw new DeployError("WRONG_CHAIN", 4, `a development SRS is for chain ${DEVELOPMENT_CHAIN} only, this is ${chainId}: load a ceremony's file`);
    }
    if (!o.verifier) throw usage("--verifier is missing");
    const verifierCode = await verifierBytecode(o.verifier);
    if ((await provider.getBalance(wallet.address)) === 0n) {
        throw new DeployError("INSUFFICIENT_FUNDS", 5, `${wallet.address} holds no ether on chain ${chainId}: send it some`);
    }

    const signer = new NonceManager(wallet);
    const contract = (name, ...args) => {
        const { abi, bytecode } = artifact(name);
        return deploy(name, new ContractFactory(abi, bytecode, signer), args, wallet.address);
    };
    const token = await contract("JCT", wallet.address);
    const verifier = await deploy("the verifier", new ContractFactory([], verifierCode, signer), [], wallet.address);
    const wrapper = await contract("VerifierWrapper", verifier.address, proofLength, srsHash, o["development-srs"]);
    const rollup = await contract(
        "Rollup", token.address, wrapper.address, operator, root, maxBatchAge, proverReward, beaconDelay,
    );
    if (rollup.address !== predicted) {
        throw new DeployError("PREDICTION_BROKEN", 6, `the rollup is at ${rollup.address}, not at ${predicted}: another transaction of the deployer came between; deploy anew`);
    }

    const codeHash = async (at) => keccak256(await provider.getCode(at));
    const deployment = {
        chainId: Number(chainId),
        block: token.block,
        token: token.address,
        verifier: verifier.address,
        wrapper: wrapper.address,
        rollup: rollup.address,
        operator,
        genesisRoot: root,
        proofLength: Number(proofLength),
        srsHash,
        developmentSrs: o["development-srs"],
        maxBatchAge: Number(maxBatchAge),
        proverReward: proverReward.toString(),
        beaconDelay: Number(beaconDelay),
        codeHashes: {
            token: await codeHash(token.address),
            verifier: await codeHash(verifier.address),
            wrapper: await codeHash(wrapper.address),
            rollup: await codeHash(rollup.address),
        },
        gasUsed: [token, verifier, wrapper, rollup].reduce((sum, c) => sum + Number(c.gasUsed), 0),
    };
    // Written whole or not at all.
    writeFileSync(`${o.out}.new`, JSON.stringify(deployment, null, 2) + "\n");
    renameSync(`${o.out}.new`, o.out);
    console.log(`deployed on chain ${chainId}: rollup ${rollup.address}, JCT ${token.address}; written to ${o.out}`);
}

main().catch((e) => {
    console.error(e instanceof DeployError ? `deploy: ${e.code}: ${e.message}` : `deploy: ${e.stack ?? e}`);
    process.exit(e.exit ?? 1);
});
