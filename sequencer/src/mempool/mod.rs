//! The mempool: acknowledged transactions that wait for a batch.
//!
//! It is limited in number, bytes and per account. What was acknowledged is never pushed out by others: when the pool
//! is full, newcomers are refused (and the batcher is told to seal). The nonces of an account are without gaps. A
//! waiting transaction can be replaced by its own account with one that pays [`MempoolConfig::replacement_percent`]
//! more.
//!
//! This module knows order and limits only; whether a transaction's rule holds is for the batcher to say.

mod order;

use std::collections::{BTreeMap, HashMap};

use janction_protocol::Amount;
use janction_protocol::state::Index;
use serde::{Deserialize, Serialize};

pub use order::Selection;

use crate::refusal::Refusal;
use crate::store::record::TransactionId;

/// Limits of the mempool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MempoolConfig {
    /// Transactions in all.
    pub max_transactions: usize,
    /// Bytes in all: blocks, signatures and attachments.
    pub max_bytes: usize,
    /// Transactions of one account.
    pub max_per_account: usize,
    /// The least fee for each block of 56 bytes, in 10^-9 JCT. Kinds that nobody signs pay what their job says.
    pub minimum_fee_per_block: u64,
    /// How much more a replacement must pay, in percent.
    pub replacement_percent: u64,
}

impl Default for MempoolConfig {
    fn default() -> Self {
        Self {
            max_transactions: 20_000,
            max_bytes: 256 << 20,
            max_per_account: 64,
            minimum_fee_per_block: 1_000,
            replacement_percent: 10,
        }
    }
}

/// What the pool knows of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The transaction's id.
    pub id: TransactionId,
    /// Signing account and its nonce; `None` for kinds that nobody signs.
    pub signer: Option<(Index, u32)>,
    /// Its fee.
    pub fee: Amount,
    /// Its blocks: 1 to 4.
    pub blocks: usize,
    /// Bytes that it takes up.
    pub bytes: usize,
    /// Order of arrival.
    pub arrival: u64,
}

/// The pool.
#[derive(Debug)]
pub struct Mempool {
    config: MempoolConfig,
    items: HashMap<TransactionId, Item>,
    /// Waiting transactions of each signer by nonce, without gaps.
    accounts: HashMap<Index, BTreeMap<u32, TransactionId>>,
    /// All ids by arrival.
    arrivals: BTreeMap<u64, TransactionId>,
    bytes: usize,
    blocks: usize,
}

/// What an admission would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It waits already.
    Known,
    /// It joins the others.
    New,
    /// It takes this one's place.
    Replaces(TransactionId),
}

impl Mempool {
    /// An empty pool.
    pub fn new(config: MempoolConfig) -> Self {
        Self {
            config,
            items: HashMap::new(),
            accounts: HashMap::new(),
            arrivals: BTreeMap::new(),
            bytes: 0,
            blocks: 0,
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Blocks of all that wait.
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// Whether it is at least three quarters full, in number or bytes.
    pub fn is_under_pressure(&self) -> bool {
        self.len() * 4 >= self.config.max_transactions * 3 || self.bytes * 4 >= self.config.max_bytes * 3
    }

    /// The item with this id.
    pub fn get(&self, id: &TransactionId) -> Option<&Item> {
        self.items.get(id)
    }

    /// Ids in the order of their arrival.
    pub fn by_arrival(&self) -> impl Iterator<Item = TransactionId> + '_ {
        self.arrivals.values().copied()
    }

    /// Waiting transactions of an account.
    pub fn waiting(&self, account: Index) -> usize {
        self.accounts.get(&account).map_or(0, BTreeMap::len)
    }

    /// The nonce that the account's next transaction needs, where its leaf says `nonce`.
    pub fn next_nonce(&self, account: Index, nonce: u32) -> u32 {
        match self.accounts.get(&account).and_then(|waiting| waiting.last_key_value()) {
            Some((&last, _)) => last.saturating_add(1),
            None => nonce,
        }
    }

    /// Whether `item` may come in. `nonce` is what the signer's leaf says (0 for unsigned kinds).
    ///
    /// # Errors
    /// [`Refusal`]: nonce, fee or limits.
    pub fn check(&self, item: &Item, nonce: u32) -> Result<Admission, Refusal> {
        if self.items.contains_key(&item.id) {
            return Ok(Admission::Known);
        }
        let Some((account, got)) = item.signer else {
            return self.check_room(item, 0).map(|()| Admission::New);
        };
        self.check_fee(item)?;
        let next = self.next_nonce(account, nonce);
        let first = next - self.waiting(account) as u32;
        if got < first {
            return Err(Refusal::NonceUsed { account, got, next });
        }
        if got > next {
            return Err(Refusal::NonceGap { account, got, next });
        }
        if let Some(old) = self.accounts.get(&account).and_then(|waiting| waiting.get(&got)) {
            let old = self.items[old];
            let needed = self.replacement_fee(old.fee);
            if item.fee < needed {
                return Err(Refusal::ReplacementFee { fee: item.fee, needed });
            }
            self.check_room(item, old.bytes)?;
            return Ok(Admission::Replaces(old.id));
        }
        let waiting = self.waiting(account);
        if waiting >= self.config.max_per_account {
            return Err(Refusal::AccountFull { account, waiting });
        }
        self.check_room(item, 0)?;
        Ok(Admission::New)
    }

    /// Takes `item` in, in the place of the one with its nonce, if there is one (which is returned). The caller has
    /// called [`Mempool::check`]; what comes back from the disk after a restart or a rewind is taken in unchecked.
    pub fn insert(&mut self, item: Item) -> Option<Item> {
        let replaced = item.signer.and_then(|(account, nonce)| {
            let old = self.accounts.entry(account).or_default().insert(nonce, item.id)?;
            self.forget(&old)
        });
        self.bytes += item.bytes;
        self.blocks += item.blocks;
        self.arrivals.insert(item.arrival, item.id);
        self.items.insert(item.id, item);
        replaced
    }

    /// Takes a transaction out; `None` when it is not there. The caller takes an account's transactions out from the
    /// lowest nonce (included) or from the highest (refused).
    pub fn remove(&mut self, id: &TransactionId) -> Option<Item> {
        let item = self.forget(id)?;
        if let Some((account, nonce)) = item.signer
            && let Some(waiting) = self.accounts.get_mut(&account)
        {
            waiting.remove(&nonce);
            if waiting.is_empty() {
                self.accounts.remove(&account);
            }
        }
        Some(item)
    }

    /// The account's waiting transactions with a nonce above `nonce`, highest first.
    pub fn after(&self, account: Index, nonce: u32) -> Vec<TransactionId> {
        let Some(waiting) = self.accounts.get(&account) else { return Vec::new() };
        waiting.range(nonce.saturating_add(1)..).rev().map(|(_, id)| *id).collect()
    }

    /// What to include next: highest fee per block first, the nonces of an account in order.
    pub fn select(&self) -> Selection<'_> {
        Selection::new(self)
    }

    fn forget(&mut self, id: &TransactionId) -> Option<Item> {
        let item = self.items.remove(id)?;
        self.arrivals.remove(&item.arrival);
        self.bytes -= item.bytes;
        self.blocks -= item.blocks;
        Some(item)
    }

    fn check_fee(&self, item: &Item) -> Result<(), Refusal> {
        let needed = self.config.minimum_fee_per_block.saturating_mul(item.blocks as u64);
        let needed = Amount::new(needed.min(Amount::LIMIT - 1)).unwrap_or_default();
        if item.fee < needed { Err(Refusal::FeeTooLow { fee: item.fee, needed }) } else { Ok(()) }
    }

    fn replacement_fee(&self, old: Amount) -> Amount {
        let percent = u128::from(100 + self.config.replacement_percent);
        let units = (u128::from(old.units()) * percent).div_ceil(100).max(u128::from(old.units()) + 1);
        let units = u64::try_from(units).unwrap_or(u64::MAX).min(Amount::LIMIT - 1);
        Amount::new(units).unwrap_or_default()
    }

    fn check_room(&self, item: &Item, freed: usize) -> Result<(), Refusal> {
        let is_new = usize::from(freed == 0);
        let full = self.len() + is_new > self.config.max_transactions
            || self.bytes - freed + item.bytes > self.config.max_bytes;
        if full {
            return Err(Refusal::MempoolFull { transactions: self.len(), bytes: self.bytes });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
