//! The account leaf: a wallet or a worker unit; 32 elements.

use serde::{Deserialize, Serialize};

use super::{Elements, Index, Key, Leaf};
use crate::hash::{hash, tag};
use crate::{Address, Amount, Digest, F};

/// Elements of an account leaf: four permutations.
pub const ACCOUNT_ELEMENTS: usize = 32;

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[repr(u8)]
pub enum AccountKind {
    /// An unused leaf.
    #[default]
    Empty = 0,
    /// Holds money, posts jobs.
    Wallet = 1,
    /// One GPU or one slice of one: stakes, bids, works, and is paid into its own leaf.
    Unit = 2,
}

/// An account leaf, in the order of its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    /// 0: what it is.
    pub kind: AccountKind,
    /// 1..6: signs everything that moves money.
    pub owner: Key,
    /// 6..11: may only bid, reveal and submit (units; zero in wallets).
    pub operator: Key,
    /// 11..14: the last L1 address that the owner withdrew to (zero before that).
    pub address: Address,
    /// 14: money at hand.
    pub balance: Amount,
    /// 15: signed transactions so far.
    pub nonce: u32,
    /// 16: stake, the locked part included.
    pub stake: Amount,
    /// 17: the part of the stake that `lock_job` holds.
    pub locked: Amount,
    /// 18: the job that holds the lock (0: none).
    pub lock_job: Index,
    /// 19: while a seal is open, the end of its job's reveal window: after it the seal is forfeit. Zero otherwise.
    pub lock_expiry: u64,
    /// 20: GPU class: compute capability times ten (H100: 90); 0 for a CPU. Self-declared.
    pub gpu_class: u16,
    /// 21: VRAM in MiB, below 2^24. Self-declared.
    pub vram: u32,
    /// 22: region. Self-declared.
    pub region: u8,
    /// 23: jobs settled.
    pub reputation: u32,
    /// 24..28: the commitment to the open bid; zero when there is none.
    pub seal: Digest,
    /// 28: the wallet that registered the unit (0 in wallets).
    pub owner_account: Index,
}

impl Account {
    /// The leaf's 32 elements.
    pub fn elements(&self) -> [F; ACCOUNT_ELEMENTS] {
        Elements::<ACCOUNT_ELEMENTS>::new()
            .int(self.kind as u8)
            .all(&self.owner.0)
            .all(&self.operator.0)
            .all(&self.address.elements())
            .push(self.balance.element())
            .int(self.nonce)
            .push(self.stake.element())
            .push(self.locked.element())
            .int(self.lock_job)
            .int(self.lock_expiry)
            .int(self.gpu_class)
            .int(self.vram)
            .int(self.region)
            .int(self.reputation)
            .all(&self.seal.0)
            .int(self.owner_account)
            .finish(29)
    }

    /// The part of the stake that no job holds.
    pub fn unlocked(&self) -> Amount {
        self.stake.checked_sub(self.locked).unwrap_or_default()
    }

    /// Ends the lock and drops a seal; the stake stays.
    pub fn unlock(&mut self) {
        self.locked = Amount::ZERO;
        self.lock_job = 0;
        self.lock_expiry = 0;
        self.seal = Digest::ZERO;
    }
}

impl Leaf for Account {
    const NODE_TAG: u64 = tag::NODE_ACCOUNT;

    fn hash(&self) -> Digest {
        hash(tag::ACCOUNT, &self.elements())
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Field;

    use super::*;

    #[test]
    fn element_table() {
        let n = |i: u64| F::from_canonical_u64(i);
        let account = Account {
            kind: AccountKind::Unit,
            owner: Key([n(1), n(2), n(3), n(4), n(5)]),
            operator: Key([n(6), n(7), n(8), n(9), n(10)]),
            address: Address::from_limbs([11, 12, 13]).unwrap(),
            balance: Amount::new(14).unwrap(),
            nonce: 15,
            stake: Amount::new(16).unwrap(),
            locked: Amount::new(17).unwrap(),
            lock_job: 18,
            lock_expiry: 19,
            gpu_class: 20,
            vram: 21,
            region: 22,
            reputation: 23,
            seal: Digest([n(24), n(25), n(26), n(27)]),
            owner_account: 28,
        };
        let elements = account.elements();
        assert_eq!(elements[0], n(2));
        assert!((1..29).all(|i| elements[i] == n(i as u64)));
        assert!(elements[29..].iter().all(|e| *e == F::ZERO));
    }

    #[test]
    fn an_unused_leaf_is_all_zero() {
        assert_eq!(Account::default().elements(), [F::ZERO; ACCOUNT_ELEMENTS]);
    }
}
