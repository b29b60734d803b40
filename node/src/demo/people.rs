//! The people of the demonstration: each has a keystore, an L1 key, and what he pays in.

use alloy::primitives::Address as L1Address;
use janction_protocol::Amount;
use janction_protocol::state::{Index, Key};

use super::cli::Cli;
use super::house;
use crate::config::Config;
use crate::failure::Outcome;
use crate::keys;
use crate::keystore::Kind;

/// JCT in units.
pub const JCT: u64 = Amount::ONE_JCT;

/// One who owns money on both sides.
#[derive(Clone, Debug)]
pub struct Person {
    /// Name, and name of the keystore.
    pub name: &'static str,
    /// Secret of the L1 key.
    pub l1_secret: &'static str,
    /// Ledger key.
    pub key: Key,
    /// The wallet, once the first deposit has reached the ledger.
    pub wallet: Index,
}

impl Person {
    /// Makes a keystore for the person with the L1 key number `index`.
    ///
    /// # Errors
    /// The keystore cannot be made.
    pub async fn new(cli: &Cli, config: &Config, name: &'static str, index: usize) -> Outcome<Self> {
        cli.run(&["account", "new", name]).await?;
        let key = keys::public_key(config, name, Kind::Ledger)?;
        Ok(Person { name, l1_secret: house::PEOPLE[index], key, wallet: 0 })
    }

    /// The address on L1.
    pub fn address(&self) -> L1Address {
        house::signer(self.l1_secret).address()
    }
}

/// A worker unit: an account of its owner's, with a key of its own on the rig.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Whose.
    pub owner: Person,
    /// Its account.
    pub account: Index,
    /// Keystore of the operator key.
    pub operator: String,
    /// What it says it runs on.
    pub hardware: String,
}

impl Unit {
    /// Name of its process.
    pub fn process(&self) -> String {
        format!("worker-{}", self.owner.name)
    }
}

/// A number of units as an amount; the demonstration's are all small.
pub fn units(units: u64) -> Amount {
    Amount::new(units).unwrap_or_default()
}

/// The same as people and commands write it.
pub fn jct(units_: u64) -> String {
    units(units_).to_string()
}
