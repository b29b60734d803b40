//! `janction account`: keys, and what an owner does with money.

mod key;
pub mod l1;
mod ledger;

use std::path::PathBuf;

use clap::Subcommand;
use janction_protocol::state::Index;
use janction_protocol::{Address, Amount};

use crate::config::Config;
use crate::failure::Outcome;
use crate::keystore::Kind;
use crate::output::Output;

use ledger::Paying;

/// The subcommands of `account`.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Make a new key and keep it in an encrypted keystore
    #[command(after_help = "Examples:
  janction account new alice                 a ledger key; asks for a password
  janction account new alice-l1 --kind l1    a key that signs L1 transactions
  janction account new rig1 --kind operator  the key on a rig; it cannot move money")]
    New {
        /// Name of the keystore, or a path
        name: String,
        /// What the key is for
        #[arg(long, value_enum, default_value = "ledger")]
        kind: Kind,
        /// Read the password from this file [or JANCTION_PASSWORD, or a prompt]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Keep an existing secret key; its hexadecimal digits are read from standard input
    #[command(after_help = "Example:
  janction account import alice-l1 --kind l1 < key.hex")]
    Import {
        /// Name of the keystore, or a path
        name: String,
        /// What the key is for
        #[arg(long, value_enum, default_value = "ledger")]
        kind: Kind,
        /// Read the password from this file [or JANCTION_PASSWORD, or a prompt]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// The keystores of this machine
    #[command(after_help = "Example:
  janction account list --json")]
    List,
    /// The public part of a keystore; no password is needed
    #[command(after_help = "Example:
  janction account show alice")]
    Show {
        /// Name of the keystore, or a path
        name: String,
    },
    /// Move JCT from L1 into the ledger; the L1 key is that of `l1.key`
    #[command(after_help = "Examples:
  JANCTION_L1_KEY=alice-l1 janction account deposit alice 100
  JANCTION_L1_SECRET=0x... janction account deposit alice 0.5 --json")]
    Deposit {
        /// Keystore of the ledger key that is credited; only its public part is read
        name: String,
        /// How much, in JCT
        amount: Amount,
        /// Read the L1 keystore's password from this file [or JANCTION_PASSWORD, or a prompt]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Have proven withdrawals paid on L1; the L1 key is that of `l1.key`, and pays only for gas
    #[command(after_help = "Examples:
  JANCTION_L1_KEY=alice-l1 janction account claim
  JANCTION_L1_KEY=anyone janction account claim --to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8")]
    Claim {
        /// Receiver of the withdrawals [default: the L1 key's own address]
        #[arg(long, value_name = "ADDRESS")]
        to: Option<Address>,
        /// Read the L1 keystore's password from this file [or JANCTION_PASSWORD, or a prompt]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Its accounts on the ledger; no password is needed
    #[command(after_help = "Example:
  janction account balance alice --json")]
    Balance {
        /// Name of the keystore, or a path
        name: String,
    },
    /// Send JCT to another account
    #[command(after_help = "Examples:
  janction account transfer alice 12.5 --to 2
  janction account transfer alice 12.5 --to 2 --wait proven")]
    Transfer {
        /// Keystore of the sender's ledger key
        name: String,
        /// How much, in JCT
        amount: Amount,
        /// Index of the account that gets it
        #[arg(long, value_name = "INDEX")]
        to: Index,
        /// Fee and waiting.
        #[command(flatten)]
        paying: Paying,
        /// Read the password from this file [or JANCTION_PASSWORD, or a prompt]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Take JCT out of the ledger, for an L1 address, which can claim it once the batch is proven
    #[command(after_help = "Examples:
  janction account withdraw alice 12.5 --to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --wait proven
  janction account withdraw alice 6 --account 4 --to 0x7099...         what her worker unit 4 has earned")]
    Withdraw {
        /// Keystore of the sender's ledger key
        name: String,
        /// How much, in JCT
        amount: Amount,
        /// L1 address that gets it
        #[arg(long, value_name = "ADDRESS")]
        to: Address,
        /// Fee and waiting.
        #[command(flatten)]
        paying: Paying,
        /// Read the password from this file [or JANCTION_PASSWORD, or a prompt]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

/// Does what was asked for.
///
/// # Errors
/// Those of the subcommand.
pub async fn run(account: Account, config: &Config, output: Output) -> Outcome {
    match account {
        Account::New { name, kind, password_file } => {
            key::new(config, output, &name, kind, password_file.as_deref())
        }
        Account::Import { name, kind, password_file } => {
            key::import(config, output, &name, kind, password_file.as_deref())
        }
        Account::List => key::list(config, output),
        Account::Show { name } => key::show(config, output, &name),
        Account::Deposit { name, amount, password_file } => {
            l1::deposit(config, output, &name, amount, password_file.as_deref()).await
        }
        Account::Claim { to, password_file } => l1::claim(config, output, to, password_file.as_deref()).await,
        Account::Balance { name } => ledger::balance(config, output, &name).await,
        Account::Transfer { name, amount, to, paying, password_file } => {
            ledger::transfer(config, output, (&name, password_file.as_deref()), to, amount, &paying).await
        }
        Account::Withdraw { name, amount, to, paying, password_file } => {
            ledger::withdraw(config, output, (&name, password_file.as_deref()), to, amount, &paying).await
        }
    }
}
