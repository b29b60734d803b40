//! The kinds of steps, their tag bytes, sizes and sections.

use serde::{Deserialize, Serialize};

/// The largest number of blocks of a transaction.
pub const MAX_BLOCKS: usize = 4;

/// What a step is. The numbers are the tag bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Kind {
    /// Pads a chunk; no bytes.
    Noop = 0x00,
    /// The header: opens a batch.
    Open = 0x01,
    /// Closes a batch; no bytes.
    Close = 0x02,
    /// From L1: JCT for a key.
    Deposit = 0x10,
    /// From L1: the randomness that decides what is audited.
    RecordBeacon = 0x11,
    /// Money from one account to another.
    Transfer = 0x20,
    /// Money to an L1 address.
    Withdraw = 0x21,
    /// A wallet creates a worker unit.
    Register = 0x22,
    /// A unit's balance becomes stake.
    Stake = 0x23,
    /// Unlocked stake becomes balance.
    Unstake = 0x24,
    /// A wallet posts a job and locks its budget.
    PostJob = 0x30,
    /// A unit commits to a price and locks the job's stake.
    SealBid = 0x31,
    /// It opens the commitment.
    RevealBid = 0x32,
    /// Anyone ends a seal that was not revealed; its bond is burned.
    Forfeit = 0x33,
    /// The winner commits to trace and output.
    Submit = 0x34,
    /// Anyone ends a proven job; the winner is paid.
    Settle = 0x35,
    /// Anyone ends an overdue job; the developer is refunded.
    Expire = 0x36,
}

/// Where in a stream a kind may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Open, Close and Noop: not a transaction.
    Frame,
    /// The committer's part.
    L2,
    /// The tail's first part: L1 operations.
    L1,
    /// The tail's second part: beacon records.
    Beacon,
}

/// Whose signature a kind needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// Nobody's.
    None,
    /// Account A's owner.
    Owner,
    /// Account A's owner or operator.
    OwnerOrOperator,
}

impl Kind {
    /// Every kind, in the order of its tag bytes.
    pub const ALL: [Self; 17] = [
        Self::Noop,
        Self::Open,
        Self::Close,
        Self::Deposit,
        Self::RecordBeacon,
        Self::Transfer,
        Self::Withdraw,
        Self::Register,
        Self::Stake,
        Self::Unstake,
        Self::PostJob,
        Self::SealBid,
        Self::RevealBid,
        Self::Forfeit,
        Self::Submit,
        Self::Settle,
        Self::Expire,
    ];

    /// The tag byte.
    pub fn tag(self) -> u8 {
        self as u8
    }

    /// The kind with this tag byte.
    pub fn from_tag(tag: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.tag() == tag)
    }

    /// Blocks in the stream, at most 4.
    pub fn blocks(self) -> usize {
        match self {
            Self::Noop | Self::Close => 0,
            Self::Open
            | Self::Transfer
            | Self::Withdraw
            | Self::Stake
            | Self::Unstake
            | Self::RevealBid
            | Self::Forfeit
            | Self::Expire => 1,
            Self::Deposit | Self::RecordBeacon | Self::Register | Self::SealBid | Self::Settle => 2,
            Self::Submit => 3,
            Self::PostJob => 4,
        }
    }

    /// Where it may stand.
    pub fn section(self) -> Section {
        match self {
            Self::Noop | Self::Open | Self::Close => Section::Frame,
            Self::Deposit => Section::L1,
            Self::RecordBeacon => Section::Beacon,
            _ => Section::L2,
        }
    }

    /// Whose signature it needs.
    pub fn signer(self) -> Signer {
        match self {
            Self::Transfer
            | Self::Withdraw
            | Self::Register
            | Self::Stake
            | Self::Unstake
            | Self::PostJob => Signer::Owner,
            Self::SealBid | Self::RevealBid | Self::Submit => Signer::OwnerOrOperator,
            _ => Signer::None,
        }
    }

    /// Whether the contract must know the transaction.
    pub fn is_event(self) -> bool {
        matches!(self, Self::Withdraw | Self::Submit | Self::Settle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_distinct_and_none_is_the_continuation() {
        for (i, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(Kind::from_tag(kind.tag()), Some(kind));
            assert!(kind.blocks() <= MAX_BLOCKS);
            assert!(Kind::ALL[..i].iter().all(|k| k.tag() < kind.tag()));
        }
        assert_eq!(Kind::from_tag(super::super::CONTINUATION), None);
    }
}
