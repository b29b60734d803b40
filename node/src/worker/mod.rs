//! `janction worker`: units, their stake, and the process that works for them.

mod error;
mod hardware;
mod register;
mod stake;
mod status;

use std::path::PathBuf;

use clap::Subcommand;
use janction_protocol::Amount;
use janction_protocol::state::Index;
use janction_worker::DeviceChoice;

use crate::config::Config;
use crate::failure::Outcome;
use crate::output::Output;
use crate::roles;
use crate::sending::Sending;

/// The subcommands of `worker`.
#[derive(Debug, Subcommand)]
pub enum Worker {
    /// Register a unit: one GPU, or one slice of one, with an account of its own
    #[command(after_help = "Examples:
  janction account new rig1 --kind operator
  janction worker register alice --operator rig1
  janction worker register alice --operator rig1 --device cuda:1 --slices 4 --region 3

The unit belongs to alice's key, which alone can move its money; rig1 is the key on the machine, which may only bid,
reveal and submit. The hardware that is found here is written into the unit; the ledger calls it self-declared.")]
    Register {
        /// Keystore of the owner's ledger key
        #[arg(value_name = "OWNER")]
        name: String,
        /// Keystore of the unit's operator key; only its public part is read
        #[arg(long, value_name = "NAME")]
        operator: String,
        /// What the unit sells: auto, cpu, or cuda:N
        #[arg(long, value_name = "DEVICE", default_value = "auto")]
        device: DeviceChoice,
        /// The unit is one of so many equal slices of the device
        #[arg(long, value_name = "SLICES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        slices: u32,
        /// Region, a number that developers can ask for
        #[arg(long, value_name = "REGION", default_value_t = 0)]
        region: u8,
        /// Fee and waiting.
        #[command(flatten)]
        sending: Sending,
        /// Read the password from this file [or JANCTION_PASSWORD, or a prompt]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Turn a unit's balance into stake, which its bids lock
    #[command(after_help = "Examples:
  janction worker stake alice 50 --unit 4
  janction worker stake alice 50 --unit 4 --fund     takes what the unit lacks from alice's wallet first

Until submitClaim and forced transactions exist, a sequencer that censors can cause a stake to be lost without fault.")]
    Stake {
        /// Keystore of the owner's ledger key
        #[arg(value_name = "OWNER")]
        name: String,
        /// How much, in JCT
        amount: Amount,
        /// The unit
        #[arg(long, value_name = "INDEX")]
        unit: Index,
        /// First transfer what the unit lacks from the owner's wallet
        #[arg(long)]
        fund: bool,
        /// Fee and waiting.
        #[command(flatten)]
        sending: Sending,
        /// Read the password from this file [or JANCTION_PASSWORD, or a prompt]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Turn stake that no job holds into balance
    #[command(after_help = "Examples:
  janction worker unstake alice 50 --unit 4
  janction account withdraw alice 50 --account 4 --to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8")]
    Unstake {
        /// Keystore of the owner's ledger key
        #[arg(value_name = "OWNER")]
        name: String,
        /// How much, in JCT
        amount: Amount,
        /// The unit
        #[arg(long, value_name = "INDEX")]
        unit: Index,
        /// Fee and waiting.
        #[command(flatten)]
        sending: Sending,
        /// Read the password from this file [or JANCTION_PASSWORD, or a prompt]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// An owner's units: hardware, money, stake, jobs; no password is needed
    #[command(after_help = "Example:
  janction worker status alice --json")]
    Status {
        /// Keystore of the owner's ledger key
        #[arg(value_name = "OWNER")]
        name: String,
    },
    /// Run the units of this machine: bid, run jobs, submit, open what is audited
    #[command(after_help = "Examples:
  JANCTION_WORKER_KEY=rig1 JANCTION_WORKER_UNITS=4 janction worker run
  janction --config janction.toml worker run --password-file /run/secrets/rig1

SIGINT or SIGTERM stops it. It may be killed at any time: a restart goes on with the same jobs. Its data folder holds
the salts of open bids; losing it can cost a bond. Until submitClaim and forced transactions exist, a sequencer that
censors can cause a stake to be lost without fault.")]
    Run {
        /// Read the operator keystore's password from this file [or JANCTION_PASSWORD, or a prompt]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

/// Does what was asked for.
///
/// # Errors
/// Those of the subcommand.
pub async fn run(worker: Worker, config: &Config, output: Output) -> Outcome {
    match worker {
        Worker::Register { name, operator, device, slices, region, sending, password_file } => {
            let owner = (name.as_str(), password_file.as_deref());
            register::register(config, output, owner, &operator, (device, slices, region), &sending).await
        }
        Worker::Stake { name, amount, unit, fund, sending, password_file } => {
            let owner = (name.as_str(), password_file.as_deref());
            stake::stake(config, output, owner, (unit, amount), fund, &sending).await
        }
        Worker::Unstake { name, amount, unit, sending, password_file } => {
            let owner = (name.as_str(), password_file.as_deref());
            stake::unstake(config, output, owner, (unit, amount), &sending).await
        }
        Worker::Status { name } => status::status(config, output, &name).await,
        Worker::Run { password_file } => roles::worker::run(config, password_file.as_deref()).await,
    }
}
