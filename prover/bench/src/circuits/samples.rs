//! What the house's circuits are fed with: a crowd that sends transfers, and a small network with a job.

use std::fmt::Display;

use janction_audit::AuditCircuits;
use janction_program::builder::{Builder, MatMulOptions};
use janction_program::{Cells, DType, PerColumn, Program, Requantise, Tensor, reference};
use janction_protocol::binding::Range;
use janction_protocol::claim::Claim;
use janction_protocol::crypto::SecretKey;
use janction_protocol::ledger::{BatchBuilder, ClosedBatch, Ledger};
use janction_protocol::state::{Account, AccountKind, Index, Key, RunState};
use janction_protocol::transaction::{SignedTransaction, Transfer};
use janction_protocol::transition::{Role, StepWitness};
use janction_protocol::tree::Tree;
use janction_protocol::{Address, Amount, Deployment};
use janction_trace::{Openings, Policy, Trace};
use thiserror::Error;

/// Keys that a crowd shares: deriving one for each wallet would take longer than the measurement.
const KEYS: u32 = 16;
/// Unix seconds of a batch.
pub const START: u64 = 1_800_000_000;
/// Fee of a transfer.
pub const FEE: u64 = 1000;

/// A sample that could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct SampleError(String);

fn said(error: impl Display) -> SampleError {
    SampleError(error.to_string())
}

/// The ledger that is signed for.
///
/// # Errors
/// Never.
pub fn deployment() -> Result<Deployment, SampleError> {
    Deployment::new(31_337, Address([0x11; 20])).map_err(said)
}

/// The secret key number `n`.
///
/// # Errors
/// Never.
pub fn secret(n: u32) -> Result<SecretKey, SampleError> {
    SecretKey::from_entropy(&[n as u8 + 1; 64]).map_err(said)
}

fn amount(units: u64) -> Result<Amount, SampleError> {
    Amount::new(units).map_err(said)
}

/// Wallets 1 to `wallets`, each with a thousand JCT, on a ledger without a past.
///
/// # Errors
/// More wallets than accounts.
pub fn crowd(wallets: u32) -> Result<Ledger, SampleError> {
    let keys =
        (0..KEYS).map(|n| Ok(secret(n)?.public().into())).collect::<Result<Vec<Key>, SampleError>>()?;
    let balance = amount(1000 * Amount::ONE_JCT)?;
    let wallet = |index: Index| Account {
        kind: AccountKind::Wallet,
        owner: keys[(index % KEYS) as usize],
        balance,
        ..Account::default()
    };
    let mut snapshot = Ledger::genesis(deployment()?).snapshot();
    snapshot.accounts = std::iter::once(Account::default()).chain((1..=wallets).map(wallet)).collect();
    snapshot.state.accounts_root = Tree::from_leaves(snapshot.accounts.clone()).map_err(said)?.root();
    snapshot.state.next_account = wallets + 1;
    Ledger::restore(snapshot).map_err(said)
}

/// One signed transfer from each of the first `count` wallets of a crowd to its neighbour.
///
/// # Errors
/// Never.
pub fn signed_transfers(count: u32) -> Result<Vec<SignedTransaction>, SampleError> {
    let deployment = deployment()?;
    let secrets = (0..KEYS).map(secret).collect::<Result<Vec<_>, _>>()?;
    let (fee, value) = (amount(FEE)?, amount(12_345)?);
    let transfer = |from: Index| {
        let transfer = Transfer { fee, from, to: from % count + 1, value };
        let secret = &secrets[(from % KEYS) as usize];
        SignedTransaction::sign(transfer, 0, &deployment, Role::Owner, secret).map_err(said)
    };
    (1..=count).map(transfer).collect()
}

/// A batch of these transactions on a ledger.
///
/// # Errors
/// A transaction that breaks a rule.
pub fn batch(ledger: &mut Ledger, transactions: &[SignedTransaction]) -> Result<ClosedBatch, SampleError> {
    let mut builder = BatchBuilder::new(ledger, START, 1).map_err(said)?;
    for signed in transactions {
        builder.push(signed).map_err(said)?;
    }
    builder.close(&[], &[]).map_err(said)
}

/// Batches as one range: the run state before its first step, and its steps.
///
/// # Errors
/// No batches.
pub fn bind(
    batches: &mut [ClosedBatch],
    deployment: &Deployment,
) -> Result<(RunState, Vec<StepWitness>), SampleError> {
    let entries: Vec<_> = batches
        .iter_mut()
        .map(|batch| {
            let r = batch.challenge(deployment);
            batch.bind(r)
        })
        .collect();
    let range = Range::of(&entries, deployment);
    let first = batches.first().ok_or_else(|| said("no batches"))?.start(range.r_star);
    Ok((first, batches.iter().flat_map(|batch| batch.steps.clone()).collect()))
}

/// A batch of `count` transfers as a range: `count` + 2 steps.
///
/// # Errors
/// As [`crowd`].
pub fn transfers(count: u32) -> Result<(RunState, Vec<StepWitness>), SampleError> {
    let closed = batch(&mut crowd(count)?, &signed_transfers(count)?)?;
    bind(&mut [closed], &deployment()?)
}

/// A network of 64, 32 and 10 columns, as that of the handwritten digits; its weights are made up.
#[must_use]
pub fn network() -> Program {
    let mut b = Builder::new("mlp_64_32_10", 11);
    let x = b.input("x", DType::I8, &[64]);
    let first = b.constant("first", cells(64, 32));
    let second = b.constant("second", cells(32, 10));
    let scale = |shift| PerColumn::All(Requantise::new(1 << 30, shift));
    let hidden = b.matmul("hidden", x, first, DType::I8, MatMulOptions::new(scale(38)).relu());
    b.matmul("logits", hidden, second, DType::I8, MatMulOptions::new(scale(38)));
    b.build().expect("a valid program")
}

fn cells(rows: usize, columns: usize) -> Tensor {
    let cells = (0..rows * columns).map(|i| (i * 37 % 251) as u8 as i8).collect();
    Tensor::new(rows, columns, Cells::I8(cells)).expect("as many cells as columns times rows")
}

/// An honest job on [`network`] that fills one piece.
///
/// # Errors
/// Circuits of another program.
pub fn job(circuits: &AuditCircuits) -> Result<(Openings, Claim), SampleError> {
    let rows = circuits.facts().pieces.piece_size();
    let (program, input) = (circuits.program(), cells(rows as usize, 64));
    let tensors = reference::run(program, &input).map_err(said)?;
    let trace = Trace::commit(program, input, tensors).map_err(said)?;
    let claim = claim(circuits, &trace)?;
    let openings = circuits.openings(trace, &claim).map_err(said)?;
    Ok((openings, claim))
}

/// The claim that a trace is an honest run.
///
/// # Errors
/// A trace of more than 2^32 rows.
pub fn claim(circuits: &AuditCircuits, trace: &Trace) -> Result<Claim, SampleError> {
    let rows = u32::try_from(trace.rows()).map_err(said)?;
    let (beacon, coverage) = match circuits.policy() {
        Policy::Full => ([0; 4], rows),
        Policy::Rows(draws) => ([11, 22, 33, 44], draws),
    };
    Ok(Claim {
        deployment: deployment()?,
        job: 5,
        nonce: 6,
        winner: 7,
        program: circuits.program().digest(),
        audit_key: circuits.audit_key_digest(),
        input_root: trace.input_root(),
        input_rows: rows,
        trace_root: trace.trace_root(),
        output_root: trace.output_root(),
        beacon,
        policy: circuits.policy().code(),
        coverage,
    })
}
