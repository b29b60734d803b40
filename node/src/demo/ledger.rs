//! Milestone 1: deposit, transfer, withdraw; committed, proven and verified on L1; claimed there; audited.

use std::path::Path;
use std::time::{Duration, Instant};

use alloy::primitives::{Address as L1Address, U256};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolCall;
use janction_bindings::abi::JCT;
use janction_bindings::{Call, L1};
use janction_protocol::crypto::SecretKey;
use janction_protocol::state::Key;
use janction_protocol::transaction::{Transfer, Withdraw};
use janction_protocol::{Address, Amount};
use janction_rpc::v1::TransactionStage;

use super::DemoError;
use super::deployment::{self, Deployed};
use super::house::{self, Folders};
use super::process::Process;
use super::report::Report;
use super::stage::Stages;
use crate::account::l1::{owed, pay_in, pay_out};
use crate::client::{AccountView, Client};
use crate::config::Config;
use crate::failure::Outcome;
use crate::keys;
use crate::keystore::Kind;
use crate::l1::{self, wei};

/// What the two owners pay in, in units.
const DEPOSITS: [u64; 2] = [100_000_000_000, 50_000_000_000];
/// What the first sends the second.
const TRANSFER: u64 = 12_500_000_000;
/// What the second takes out.
const WITHDRAWAL: u64 = 20_250_000_000;
/// How long a batch may take to be sealed or committed.
const SEAL: Duration = Duration::from_secs(120);
/// How long a range may take to be proven and verified on L1: with keys to be made first, on two cores.
const PROVE: Duration = Duration::from_secs(1_800);

/// One who owns money on both sides.
struct Owner {
    name: &'static str,
    secret: SecretKey,
    l1: PrivateKeySigner,
}

impl Owner {
    fn key(&self) -> Key {
        self.secret.public().into()
    }
}

/// Runs the milestone.
///
/// # Errors
/// Whatever keeps it from its end. Equalities that do not hold are in the report instead.
pub async fn run(folders: &Folders, base: &Config, stages: &mut Stages) -> Outcome<Report> {
    let mut report = Report::default();

    stages.begin("keys", "Loading proving keys and SRS (minutes the first time)");
    let contract = deployment::verifier(base).await?;

    stages.begin("deploy", "Starting L1, deploying JCT, verifier and rollup");
    let (mut anvil, address) = house::start_l1(folders).await?;
    let url = format!("http://{address}");
    let deployed = deployment::deploy(folders, &url, &contract).await?;
    drop(contract);
    let (config, file) = house::configure(folders, base, &url, &deployed)?;
    let l1 = l1::connect(&config).await?;
    l1.check_randomness().await?;

    stages.begin("start", "Starting the roles");
    let mut sequencer = house::start_role(folders, &file, "sequencer")?;
    sequencer.listens(config.sequencer.listen, Duration::from_secs(60)).await?;
    let mut client = Client::connect(&config.sequencer.url).await?;

    stages.begin("deposit", "Two owners deposit JCT on L1");
    let owners = [owner("alice", 0)?, owner("bob", 1)?];
    for (owner, amount) in owners.iter().zip(DEPOSITS) {
        let amount = units(amount);
        fund(&l1, &deployed, owner.l1.address(), amount).await?;
        pay_in(&l1, &owner.l1, owner.key(), 0, amount).await?;
    }
    let [alice, bob] = &owners;
    let (from, to) = (credited(&mut client, alice).await?, credited(&mut client, bob).await?);
    for (owner, view, amount) in [(alice, &from, DEPOSITS[0]), (bob, &to, DEPOSITS[1])] {
        report.checks.equal(
            format!("{} holds on the ledger what was deposited", owner.name),
            units(amount),
            view.account.balance,
        );
    }

    stages.begin("transfer", "Alice sends Bob some, Bob withdraws to an L1 address");
    let deployment = client.deployment().await?;
    let fee = client.info().await?.minimum_fee;
    let transfer = Transfer { fee: units(fee), from: from.index, to: to.index, value: units(TRANSFER) };
    let id = client.submit(&deployment, &alice.secret, from.next_nonce, &transfer.into()).await?;
    client.wait(&id, TransactionStage::Sealed, SEAL).await?;
    // An address that has never held anything, so that its balance is the payout.
    let receiver = PrivateKeySigner::random().address();
    let withdraw = Withdraw {
        fee: units(fee),
        account: to.index,
        value: units(WITHDRAWAL),
        address: Address(receiver.into_array()),
    };
    let id = client.submit(&deployment, &bob.secret, to.next_nonce, &withdraw.into()).await?;
    let sealed = client.wait(&id, TransactionStage::Sealed, SEAL).await?;

    stages.begin("commit", "Committing the batches on L1");
    client.wait(&id, TransactionStage::Committed, SEAL).await?;
    let batch = sealed.batch.unwrap_or_default();

    let prover = house::start_role(folders, &file, "prover")?;
    let mut processes = [&mut anvil, &mut sequencer, &mut { prover }];
    stages.begin("prove", "Proving the batches, verifying the proof on L1");
    proven(&mut client, &id, &mut processes, stages, &folders.logs).await?;
    peak(&mut report, processes[2]);
    let held = DEPOSITS.iter().sum::<u64>() - WITHDRAWAL;
    stages.begin("claim", "Claiming the withdrawal on L1");
    claim(&mut report, &l1, &deployed, receiver).await?;

    balances(&mut report, &mut client, &owners, fee).await?;
    chain(&mut report, &l1, &mut client, batch, held).await?;

    stages.begin("audit", "Auditing from L1 data alone");
    audit(&mut report, &file).await?;

    report.proving = super::progress::seconds(&folders.logs.join("prover.log"));
    peak(&mut report, &anvil);
    peak(&mut report, &sequencer);
    stages.end();
    Ok(report)
}

fn peak(report: &mut Report, process: &Process) {
    if let Some(bytes) = process.peak_bytes() {
        report.peaks.insert(process.name.clone(), bytes);
    }
}

/// Has the withdrawal paid, and compares what the receiver gained on L1 with it.
async fn claim(report: &mut Report, l1: &L1, deployed: &Deployed, receiver: L1Address) -> Outcome {
    let payer = house::signer(house::OPERATOR);
    let before = l1.jct_balance(deployed.token, receiver).await?;
    let all = owed(l1, 0, receiver).await?;
    report.checks.equal("withdrawals owed on L1", 1, all.len());
    for one in &all {
        pay_out(l1, &payer, one).await?;
    }
    let after = l1.jct_balance(deployed.token, receiver).await?;
    report.l1_payout = (after.saturating_sub(before) / U256::from(l1::WEI_PER_UNIT)).saturating_to();
    report.checks.equal("JCT that the receiver gained on L1", units(WITHDRAWAL), units(report.l1_payout));
    report.checks.equal("withdrawals owed after the claim", 0, owed(l1, 0, receiver).await?.len());
    Ok(())
}

fn units(units: u64) -> Amount {
    Amount::new(units).unwrap_or_default()
}

fn owner(name: &'static str, index: usize) -> Outcome<Owner> {
    let secret = keys::ledger_key(&keys::generate(Kind::Ledger)?)?;
    Ok(Owner { name, secret, l1: house::signer(house::OWNERS[index]) })
}

/// Sends JCT from the deployer, who holds all of it.
async fn fund(l1: &L1, deployed: &Deployed, to: L1Address, amount: Amount) -> Outcome {
    let transfer = JCT::transferCall { to, value: wei(amount) };
    let call = Call { to: deployed.token, data: transfer.abi_encode().into() };
    l1.execute(&call, &house::signer(house::OPERATOR), l1::PATIENCE).await?;
    Ok(())
}

/// Waits until an owner's deposit has reached the ledger.
async fn credited(client: &mut Client, owner: &Owner) -> Outcome<AccountView> {
    let start = Instant::now();
    loop {
        if let Some(view) = client.accounts(owner.key()).await?.into_iter().next() {
            return Ok(view);
        }
        if start.elapsed() > SEAL {
            return Err(
                DemoError::Slow { what: "a deposit's way to the ledger", seconds: SEAL.as_secs() }.into()
            );
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until a transaction is proven on L1, and shows what the prover is at.
async fn proven(
    client: &mut Client,
    id: &[u8],
    processes: &mut [&mut Process; 3],
    stages: &Stages,
    logs: &Path,
) -> Outcome {
    let start = Instant::now();
    while client.standing(id).await?.stage != TransactionStage::Proven {
        for process in processes.iter_mut() {
            process.must_run()?;
        }
        if start.elapsed() > PROVE {
            return Err(DemoError::Slow { what: "the proof", seconds: PROVE.as_secs() }.into());
        }
        if let Some(line) = super::progress::latest(&logs.join("prover.log")) {
            stages.detail(&format!("Proving: {line}"));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

/// The balances on the ledger: what went in, less what went out and the fees, which the fee account holds.
async fn balances(report: &mut Report, client: &mut Client, owners: &[Owner; 2], fee: u64) -> Outcome {
    let fees = 2 * fee;
    let fee_account = client.info().await?.fee_account;
    let expected = [DEPOSITS[0] - TRANSFER - fee, DEPOSITS[1] + TRANSFER - WITHDRAWAL - fee];
    for (owner, mut expected) in owners.iter().zip(expected) {
        let view = client.wallet(owner.key()).await?;
        if view.index == fee_account {
            expected += fees;
        }
        report.checks.equal(
            format!("{}'s balance on the ledger", owner.name),
            units(expected),
            view.account.balance,
        );
    }
    Ok(())
}

/// What L1 says: root, escrow, gas, proof.
async fn chain(report: &mut Report, l1: &L1, client: &mut Client, batch: u64, held: u64) -> Outcome {
    let state = l1.state(None).await?;
    let info = client.info().await?;
    report.checks.equal("JCT in escrow on L1", units(held), units(state.escrowed));
    let heads = info.heads.unwrap_or_default();
    if heads.sealed == state.proven {
        report.checks.equal(
            "ledger root on L1",
            hex::encode(&info.ledger_root),
            hex::encode(state.state_root),
        );
    }
    let head = l1.head().await?.number;
    for committed in l1.committed_batches(0, head).await? {
        if let Some(receipt) = l1.receipt(committed.transaction).await? {
            report.commit_gas.push(receipt.gas_used);
        }
        report.stream_bytes += committed.call.committed.len();
    }
    let ranges = l1.proven_ranges(0, head).await?;
    let range = ranges.iter().find(|r| (r.event.first..=r.event.last).contains(&batch));
    report.checks.equal("proofs on L1 that cover the withdrawal", 1, usize::from(range.is_some()));
    if let Some(range) = range {
        report.proof_bytes = range.call.proof.len();
        report.proven_batches = range.event.last - range.event.first + 1;
        if let Some(receipt) = l1.receipt(range.transaction).await? {
            report.verify_gas = receipt.gas_used;
        }
    }
    Ok(())
}

/// Runs the auditor as a process of its own, which is given L1 and the contract's address and nothing else.
async fn audit(report: &mut Report, config: &Path) -> Outcome {
    let what = "the auditor's answer";
    let binary =
        std::env::current_exe().map_err(|source| DemoError::Start { name: "auditor".into(), source })?;
    let output = tokio::process::Command::new(binary)
        .arg("--json")
        .arg("--config")
        .arg(config)
        .arg("audit")
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| DemoError::Start { name: "auditor".into(), source })?;
    report.audit = serde_json::from_slice(&output.stdout).map_err(|e| DemoError::Unreadable {
        what,
        reason: format!("{e}: {}", String::from_utf8_lossy(&output.stderr)),
    })?;
    // 0: everything checked; 3: everything that was checked is right. The report names what was not.
    let right = matches!(output.status.code(), Some(0 | 3));
    report.checks.equal("auditor finds nothing wrong", true, right);
    Ok(())
}
