//! `janction account`: keys, and what an owner does with money.

mod key;

use std::path::PathBuf;

use clap::Subcommand;

use crate::config::Config;
use crate::failure::Outcome;
use crate::keystore::Kind;
use crate::output::Output;

/// The subcommands of `account`.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Make a new key and keep it in an encrypted keystore
    #[command(after_help = "Examples:
  janction account new alice                 a ledger key; asks for a password
  janction account new alice-l1 --kind l1    a key that signs L1 transactions")]
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
}

/// Does what was asked for.
///
/// # Errors
/// Those of the subcommand.
pub fn run(account: Account, config: &Config, output: Output) -> Outcome {
    match account {
        Account::New { name, kind, password_file } => {
            key::new(config, output, &name, kind, password_file.as_deref())
        }
        Account::Import { name, kind, password_file } => {
            key::import(config, output, &name, kind, password_file.as_deref())
        }
        Account::List => key::list(config, output),
        Account::Show { name } => key::show(config, output, &name),
    }
}
