//! Writes a real proof as a fixture for the contracts' tests: `proof_fixture KEYS OUT`, a folder and a file.
//!
//! Two batches over two deposits: the first only takes them in, the second transfers and withdraws. The contracts' tests
//! deploy a rollup at the same address, make the same deposits and commit the same bytes. Takes a minute or two; run it
//! when the keys have changed (`make contracts PROOF=1`).

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use janction_protocol::binding::{PublicInputs, Range};
use janction_protocol::crypto::SecretKey;
use janction_protocol::ledger::{BatchBuilder, ClosedBatch, Ledger};
use janction_protocol::state::Index;
use janction_protocol::transaction::{Deposit, SignedTransaction, Transfer, Withdraw};
use janction_protocol::transition::Role;
use janction_protocol::{Address, Amount, Deployment};
use janction_prover::cache::Cache;
use janction_prover::pipeline::Pipeline;
use janction_prover::progress::Silent;
use janction_prover::range::RangeWitness;
use janction_prover::{EngineKind, Engines, Keys, SrsSource};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The chain that the development SRS is for.
const CHAIN: u64 = 31_337;
/// Where the first contract of account 0x…d0e5 comes to lie.
const ROLLUP: Address = Address([
    0x44, 0xe8, 0xc0, 0x66, 0x54, 0xbb, 0x35, 0x9a, 0xbb, 0x08, 0xe2, 0x94, 0x15, 0xa7, 0xe3, 0xa5, 0xb5,
    0xc1, 0xc1, 0x3c,
]);
/// Who is paid for the proof.
const PAYEE: Address = Address([0x77; 20]);
/// Who receives the withdrawal.
const RECEIVER: Address = Address([0x99; 20]);
/// Unix seconds of the deposits; the batches follow 12 and 24 seconds later.
const START: u64 = 1_800_000_000;
/// The accounts that the two deposits create. The first one takes the fees, too.
const ALICE: Index = 1;
const BOB: Index = 2;
/// Units of each deposit, of the transfer, of the withdrawal, and of their fees.
const DEPOSIT: u64 = 1_000_000_000;
const TRANSFER: u64 = 300_000_000;
const WITHDRAWAL: u64 = 250_000_000;
const FEE: u64 = 1_000;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(keys), Some(out), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: proof_fixture KEYS OUT".into());
    };
    let deployment = Deployment::new(CHAIN, ROLLUP)?;
    let mut ledger = Ledger::genesis(deployment);
    let genesis = ledger.state().root();
    let (deposits, mut batches) = batches(&mut ledger, deployment)?;
    let mut entries = Vec::new();
    for batch in &mut batches {
        let r = batch.challenge(&deployment);
        entries.push(batch.bind(r));
    }
    let range = Range::of(&entries, &deployment);
    let inputs =
        PublicInputs { old_root: genesis, new_root: ledger.state().root(), range, payee: PAYEE, deployment };
    let witness = RangeWitness {
        run: batches[0].start(range.r_star),
        steps: batches.iter().flat_map(|batch| batch.steps.clone()).collect(),
        audits: Vec::new(),
        public_inputs: inputs.to_u64s(),
    };

    let keys = Arc::new(Keys::load_or_build(&keys, CHAIN, &SrsSource::Development, &Silent)?);
    let kept = tempfile::tempdir()?;
    let pipeline = Pipeline::new(
        Arc::clone(&keys),
        Engines::new(EngineKind::Cpu, &[], kept.path())?,
        Cache::open(kept.path())?,
        Arc::default(),
    );
    let proof = pipeline.prove(&witness, PAYEE, &Silent)?;

    let fixture = json!({
        "keyDigest": hex(&keys.wrap.key_digest()),
        "chainId": CHAIN,
        "rollup": hex(&ROLLUP.0),
        "genesisRoot": hex(&genesis.to_bytes()),
        "newRoot": hex(&inputs.new_root.to_bytes()),
        "listDigest": hex(&range.digest.to_bytes()),
        "payee": hex(&PAYEE.0),
        "receiver": hex(&RECEIVER.0),
        "withdrawal": WITHDRAWAL,
        "start": START,
        "deposits": deposits.iter().map(deposit_json).collect::<Vec<_>>(),
        "batches": batches.iter().map(batch_json).collect::<Vec<_>>(),
        "publicInputs": proof.public_inputs.map(|x| format!("0x{x:x}")),
        "proof": hex(&proof.proof),
    });
    fs::write(out, serde_json::to_string_pretty(&fixture)? + "\n")?;
    Ok(())
}

/// The two deposits and the two batches over them.
fn batches(ledger: &mut Ledger, deployment: Deployment) -> Outcome<(Vec<Deposit>, Vec<ClosedBatch>)> {
    let (alice, bob) = (SecretKey::from_entropy(&[1; 64])?, SecretKey::from_entropy(&[2; 64])?);
    let value = Amount::new(DEPOSIT)?;
    let deposits = [&alice, &bob].map(|secret| Deposit { hint: 0, key: secret.public().into(), value });
    let first = BatchBuilder::new(ledger, START + 12, ALICE)?.close(&deposits, &[])?;

    let fee = Amount::new(FEE)?;
    let transfer = Transfer { fee, from: ALICE, to: BOB, value: Amount::new(TRANSFER)? };
    let withdraw = Withdraw { fee, account: BOB, value: Amount::new(WITHDRAWAL)?, address: RECEIVER };
    let mut second = BatchBuilder::new(ledger, START + 24, ALICE)?;
    second.push(&SignedTransaction::sign(transfer, 0, &deployment, Role::Owner, &alice)?)?;
    second.push(&SignedTransaction::sign(withdraw, 0, &deployment, Role::Owner, &bob)?)?;
    let second = second.close(&[], &[])?;
    Ok((deposits.to_vec(), vec![first, second]))
}

fn deposit_json(deposit: &Deposit) -> Value {
    let key = deposit.key.to_u64s().map(|x| format!("0x{x:x}"));
    json!({ "key": key, "hint": deposit.hint, "units": deposit.value.units() })
}

fn batch_json(batch: &ClosedBatch) -> Value {
    json!({
        "committed": hex(&batch.bytes),
        "digest": hex(&batch.digest.to_bytes()),
        "eventOffsets": batch.events,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}
