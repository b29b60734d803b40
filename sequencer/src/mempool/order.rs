//! The order in which transactions are offered to a batch.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use janction_protocol::stream::MAX_BLOCKS;

use super::{Item, Mempool};

/// 12 is a multiple of every number of blocks, so that fees per block compare as integers.
const SHARES: u64 = 12;
const _: () = assert!(MAX_BLOCKS == 4, "SHARES must be a multiple of every number of blocks");

/// Highest fee per block first; of equals the earlier arrival.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    rate: u64,
    arrival: Reverse<u64>,
}

fn rank(item: &Item) -> Rank {
    // A fee is below 2^48, so that the product fits.
    let rate = item.fee.units().saturating_mul(SHARES) / item.blocks.max(1) as u64;
    Rank { rate, arrival: Reverse(item.arrival) }
}

/// Offers transactions one by one. A transaction is offered only once the one before it of the same account was
/// [`accepted`](Selection::accept): one that the ledger refuses holds up its account's later ones, nobody else's.
pub struct Selection<'a> {
    pool: &'a Mempool,
    heads: BinaryHeap<(Rank, Head)>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Head(crate::store::record::TransactionId);

impl<'a> Selection<'a> {
    pub(super) fn new(pool: &'a Mempool) -> Self {
        let unsigned = pool.items.values().filter(|item| item.signer.is_none());
        let first = pool.accounts.values().filter_map(|waiting| pool.items.get(waiting.first_key_value()?.1));
        let heads = unsigned.chain(first).map(|item| (rank(item), Head(item.id))).collect();
        Self { pool, heads }
    }

    /// `item` is in the batch: its account's next one may be offered.
    pub fn accept(&mut self, item: &Item) {
        let Some((account, nonce)) = item.signer else { return };
        let next = self.pool.accounts.get(&account).and_then(|waiting| waiting.get(&(nonce.checked_add(1)?)));
        if let Some(next) = next.and_then(|id| self.pool.items.get(id)) {
            self.heads.push((rank(next), Head(next.id)));
        }
    }

    /// Offers `item` again: something has been accepted that may have made it possible.
    pub fn retry(&mut self, item: &Item) {
        self.heads.push((rank(item), Head(item.id)));
    }
}

/// Each time the best one that has not been offered.
impl Iterator for Selection<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        let (_, Head(id)) = self.heads.pop()?;
        self.pool.items.get(&id).copied()
    }
}
