//! `job post`.

use std::path::PathBuf;
use std::sync::Arc;

use janction_program::commitment::Scheme;
use janction_program::{Program, Tensor, container, npy};
use janction_protocol::state::Index;
use janction_protocol::stream::Kind;
use janction_protocol::transaction::{PostJob, SignedTransaction};
use janction_protocol::transition::Role;
use janction_protocol::{Amount, Digest};
use janction_rpc::v1::TransactionStage;
use janction_trace::TraceError;
use serde_json::{Value, json};

use super::error::JobProblem;
use super::terms::{PolicyChoice, Requirements, Windows};
use super::{WARNING, soundness};
use crate::client::{Class, Client, ClientError, JobView};
use crate::config::Config;
use crate::failure::Outcome;
use crate::keys;
use crate::output::{Output, columns};
use crate::program::error::ProgramProblem;
use crate::program::load;
use crate::progress::Progress;

/// How many times the least fee of a `Settle` a job reserves when nobody says: so that it can still be ended after the
/// sequencer has raised its minimum.
const RESERVE: u64 = 2;

/// How long to wait for a batch.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

/// A job as it is ordered on the command line.
#[derive(Debug, clap::Args)]
pub struct Order {
    /// The job binary
    #[arg(value_name = "PROGRAM")]
    pub program: PathBuf,
    /// The input (.npy)
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,
    /// Keystore of the developer's ledger key
    #[arg(long, value_name = "NAME")]
    pub from: String,
    /// The highest price, in JCT
    #[arg(long, value_name = "JCT")]
    pub budget: Amount,
    /// How much is audited.
    #[command(flatten)]
    pub policy: PolicyChoice,
    /// Fee of this transaction, in JCT [default: the sequencer's minimum]
    #[arg(long, value_name = "JCT")]
    pub fee: Option<Amount>,
    /// Reserved for the step that ends the job, in JCT [default: twice the sequencer's minimum]
    #[arg(long, value_name = "JCT")]
    pub job_fee: Option<Amount>,
    /// Stake that a bid locks, in JCT [default: budget and job fee, the least]
    #[arg(long, value_name = "JCT")]
    pub stake: Option<Amount>,
    /// How long its stages may take.
    #[command(flatten)]
    pub windows: Windows,
    /// What a unit must have.
    #[command(flatten)]
    pub requirements: Requirements,
    /// Read the password from this file [or JANCTION_PASSWORD, or a prompt]
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// What a job names of program and input.
struct Content {
    program: Program,
    input: Tensor,
    input_root: Digest,
    audit_key: Digest,
}

/// The money of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Money {
    fee: Amount,
    job_fee: Amount,
    stake: Amount,
    /// What the wallet pays now: budget and both fees.
    needed: Amount,
}

/// Posts a job and says its index.
///
/// # Errors
/// Bad input, keystore, too little money, or a refusal.
pub async fn post(config: &Config, output: Output, order: &Order) -> Outcome {
    let key = keys::open_ledger(config, &order.from, order.password_file.as_deref())?;
    if order.budget == Amount::ZERO {
        return Err(JobProblem::NoBudget.into());
    }
    // Before the seconds that the audit key takes, so that a wrong order or a sequencer that is away is said at once.
    let mut client = Client::connect(&config.sequencer.url).await?;
    let deployment = client.deployment().await?;
    let info = client.info().await?;
    let wallet = client.wallet(key.public().into()).await?;
    let money = money(order, info.minimum_fee)?;
    if wallet.available < money.needed {
        let (available, needed) = (wallet.available, money.needed);
        return Err(JobProblem::TooPoor { account: wallet.index, available, needed }.into());
    }
    let content = content(config, output, order)?;

    let transaction = transaction(order, &content, &money, wallet.index);
    let signed = SignedTransaction::sign(transaction, wallet.next_nonce, &deployment, Role::Owner, &key)
        .map_err(ClientError::from)?;
    let (program, input) = (container::encode(&content.program), npy::encode(&content.input));
    upload(&mut client, output, (Class::Program, transaction.program), &signed, program).await?;
    upload(&mut client, output, (Class::Input, transaction.input_root), &signed, input).await?;
    let bar = Progress::spinner(output, "waiting for a batch");
    let id = client.hand_in(&signed).await?;
    let standing = client.wait(&id, TransactionStage::Sealed, PATIENCE).await?;
    let batch = standing.batch.unwrap_or_default();
    let posted = client.posted_job(wallet.index, signed.nonce, info.next_job).await?;
    let posted = posted.ok_or(JobProblem::NotListed { batch })?;
    drop(bar);
    let scheme = content.program.scheme();
    let value = describe(order, scheme, &posted, &id, batch, &money);
    output.print(&value, |_| in_words(order, scheme, &posted, &id, &money));
    Ok(())
}

/// Fees and stake, with their defaults; `minimum` is the sequencer's least fee for a block.
fn money(order: &Order, minimum: u64) -> Result<Money, JobProblem> {
    let times = |blocks: usize, factor: u64| {
        let units = minimum.checked_mul(blocks as u64).and_then(|x| x.checked_mul(factor));
        units.and_then(|x| Amount::new(x).ok()).ok_or(JobProblem::TooLarge)
    };
    let fee = order.fee.map_or_else(|| times(Kind::PostJob.blocks(), 1), Ok)?;
    let job_fee = order.job_fee.map_or_else(|| times(Kind::Settle.blocks(), RESERVE), Ok)?;
    let least = order.budget.checked_add(job_fee).ok_or(JobProblem::TooLarge)?;
    let stake = order.stake.unwrap_or(least);
    if stake < least {
        return Err(JobProblem::StakeTooLow { stake, least });
    }
    let needed = least.checked_add(fee).ok_or(JobProblem::TooLarge)?;
    Ok(Money { fee, job_fee, stake, needed })
}

fn content(config: &Config, output: Output, order: &Order) -> Outcome<Content> {
    let program = load::program(&order.program)?;
    let input = load::input(&order.input, &program)?;
    let _bar = Progress::spinner(output, "committing to the input, making the audit key");
    let input_root =
        program.root_of(&input).map_err(|e| ProgramProblem::Device(TraceError::from(e).into()))?;
    let audit_key = load::audit(config, &program, order.policy.policy)?.key;
    Ok(Content { input_root, program, input, audit_key })
}

fn transaction(order: &Order, content: &Content, money: &Money, developer: Index) -> PostJob {
    PostJob {
        fee: money.fee,
        developer,
        budget: order.budget,
        program: content.program.digest(),
        audit_key: content.audit_key,
        input_root: content.input_root,
        // The program's row trees have at most 2^24 leaves; 2^24 rows do not fit the field and are refused on signing.
        input_rows: content.input.rows() as u32,
        gpu_class: order.requirements.gpu_class,
        vram: order.requirements.vram,
        region: order.requirements.region,
        reputation: order.requirements.reputation,
        stake: money.stake,
        policy: order.policy.policy.code(),
        job_fee: money.job_fee,
        bid_window: order.windows.bid_window,
        reveal_window: order.windows.reveal_window,
        submit_window: order.windows.submit_window,
        proving_window: order.windows.proving_window,
        beacon_window: order.windows.beacon_window,
    }
}

async fn upload(
    client: &mut Client,
    output: Output,
    (class, digest): (Class, Digest),
    signed: &SignedTransaction,
    bytes: Vec<u8>,
) -> Outcome {
    let bar =
        Arc::new(Progress::bytes(output, &format!("uploading the {}", class.word()), bytes.len() as u64));
    let shown = Arc::clone(&bar);
    let sent = move |bytes| shown.advance(bytes);
    client.put_blob(class, digest, signed, bytes, sent).await?;
    Ok(())
}

fn describe(order: &Order, scheme: Scheme, posted: &JobView, id: &[u8], batch: u64, money: &Money) -> Value {
    let job = &posted.job;
    json!({
        "job": posted.index,
        "transaction": hex::encode(id),
        "batch": batch,
        "account": job.owner,
        "program": job.program.to_string(),
        "audit_key": job.audit_key.to_string(),
        "input_root": job.input_root.to_string(),
        "rows": job.input_rows,
        "policy": order.policy.policy.to_string(),
        "soundness": soundness::describe(order.policy.policy, scheme),
        "budget": job.budget.units(),
        "job_fee": job.fee.units(),
        "stake": job.stake.units(),
        "fee": money.fee.units(),
        "bid_end": job.bid_end,
        "reveal_end": job.reveal_end,
        "submit_end": job.submit_end,
        "warning": WARNING,
    })
}

fn in_words(order: &Order, scheme: Scheme, posted: &JobView, id: &[u8], money: &Money) -> String {
    let (job, windows) = (&posted.job, &order.windows);
    let mut rows = vec![
        ("job", posted.index.to_string()),
        ("transaction", hex::encode(id)),
        ("program", job.program.to_string()),
        ("audit key", job.audit_key.to_string()),
        ("input", format!("{} rows, root {}", job.input_rows, job.input_root)),
        ("budget", format!("{} JCT, locked with {} JCT for the step that ends the job", job.budget, job.fee)),
        ("fee", format!("{} JCT", money.fee)),
        ("stake", format!("{} JCT that each bid locks", job.stake)),
        ("auction", format!("{} s for seals, {} s for reveals", windows.bid_window, windows.reveal_window)),
        ("policy", order.policy.policy.to_string()),
    ];
    rows.extend(soundness::lines(order.policy.policy, scheme));
    columns(&rows) + &format!("`janction job status {}` says how it goes on.\nNote: {WARNING}.", posted.index)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        order: Order,
    }

    fn order(more: &[&str]) -> Order {
        let line = [&["x", "p", "i", "--from", "alice", "--budget", "2"], more].concat();
        Line::try_parse_from(line).expect("parses").order
    }

    fn units(units: u64) -> Amount {
        Amount::new(units).expect("an amount")
    }

    #[test]
    fn money_has_defaults_that_the_ledger_takes() {
        let budget = 2 * Amount::ONE_JCT;
        let found = money(&order(&[]), 1_000).expect("fits");
        let expected = Money {
            fee: units(4_000),
            job_fee: units(4_000),
            stake: units(budget + 4_000),
            needed: units(budget + 8_000),
        };
        assert_eq!(found, expected);
        let own = money(&order(&["--fee", "1", "--job-fee", "0.5", "--stake", "9"]), 1_000).expect("fits");
        assert_eq!((own.stake, own.needed), (units(9 * Amount::ONE_JCT), units(3_500_000_000)));
    }

    #[test]
    fn money_that_the_ledger_refuses_is_refused_here() {
        let low = money(&order(&["--stake", "2"]), 1_000);
        assert!(matches!(low, Err(JobProblem::StakeTooLow { .. })), "{low:?}");
        money(&order(&["--stake", "2", "--job-fee", "0"]), 1_000).expect("just enough");
        assert!(matches!(money(&order(&[]), u64::MAX), Err(JobProblem::TooLarge)));
        let huge = money(&order(&["--fee", "4611686018"]), 1_000);
        assert!(matches!(huge, Err(JobProblem::TooLarge)), "{huge:?}");
    }

    #[test]
    fn windows_are_positive_and_fit_their_bits() {
        for wrong in ["0", "16777216", "-1", "x"] {
            let line = ["x", "p", "i", "--from", "a", "--budget", "1", "--bid-window", wrong];
            assert!(Line::try_parse_from(line).is_err(), "{wrong}");
        }
        assert_eq!(order(&["--bid-window", "16777215"]).windows.bid_window, 16_777_215);
        for wrong in ["half", "rows:0", "rows:16777216"] {
            let line = ["x", "p", "i", "--from", "a", "--budget", "1", "--policy", wrong];
            assert!(Line::try_parse_from(line).is_err(), "{wrong}");
        }
    }
}
