//! Transactions: what they say and how they lie in the stream. One file per kind, named like its rule.

mod deposit;
mod expire;
mod forfeit;
mod post_job;
mod record_beacon;
mod register;
mod reveal_bid;
mod seal_bid;
mod settle;
mod signed;
mod stake;
mod submit;
mod transfer;
mod unstake;
mod withdraw;

pub use deposit::Deposit;
pub use expire::Expire;
pub use forfeit::Forfeit;
pub use post_job::PostJob;
pub use record_beacon::RecordBeacon;
pub use register::Register;
pub use reveal_bid::RevealBid;
pub use seal_bid::{SealBid, seal};
pub use settle::Settle;
pub use signed::{SignedTransaction, SignedTransactionError};
pub use stake::Stake;
pub use submit::Submit;
pub use transfer::Transfer;
pub use unstake::Unstake;
pub use withdraw::Withdraw;

use serde::{Deserialize, Serialize};

use crate::Amount;
use crate::stream::{Block, Kind, Raw, StreamError};

/// How one kind's fields lie in its blocks.
trait Layout: Sized {
    /// The kind.
    const KIND: Kind;

    /// Writes the fields.
    fn write(&self) -> Result<Raw, StreamError>;

    /// Reads the fields. May ignore padding: the caller writes them again and compares.
    fn read(raw: &Raw) -> Result<Self, StreamError>;
}

macro_rules! transactions {
    ($($kind:ident),*) => {
        /// A transaction of the stream.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Transaction {
            $(#[doc = concat!("See [`", stringify!($kind), "`].")] $kind($kind),)*
        }

        $(impl From<$kind> for Transaction {
            fn from(transaction: $kind) -> Self {
                Self::$kind(transaction)
            }
        })*

        impl Transaction {
            /// Its kind.
            pub fn kind(&self) -> Kind {
                match self {
                    $(Self::$kind(_) => Kind::$kind,)*
                }
            }

            /// The shared fields and the payload.
            ///
            /// # Errors
            /// [`StreamError::TooWide`] when a field does not fit.
            pub fn raw(&self) -> Result<Raw, StreamError> {
                match self {
                    $(Self::$kind(transaction) => transaction.write(),)*
                }
            }

            /// Reads the fields; refuses set padding.
            ///
            /// # Errors
            /// [`StreamError::NonCanonical`].
            pub fn from_raw(raw: &Raw) -> Result<Self, StreamError> {
                let transaction = match raw.kind {
                    $(Kind::$kind => Self::$kind($kind::read(raw)?),)*
                    kind => return Err(StreamError::NonCanonical { kind }),
                };
                // Whatever writing does not give back is padding that was set or a field out of bounds.
                match transaction.raw() {
                    Ok(again) if again == *raw => Ok(transaction),
                    _ => Err(StreamError::NonCanonical { kind: raw.kind }),
                }
            }
        }
    };
}

transactions!(
    Deposit,
    RecordBeacon,
    Transfer,
    Withdraw,
    Register,
    Stake,
    Unstake,
    PostJob,
    SealBid,
    RevealBid,
    Forfeit,
    Submit,
    Settle,
    Expire
);

impl Transaction {
    /// Its blocks.
    ///
    /// # Errors
    /// [`StreamError::TooWide`] when a field does not fit.
    pub fn blocks(&self) -> Result<Vec<Block>, StreamError> {
        self.raw()?.encode()
    }

    /// Reads the transaction at the front of `blocks`; `position` is for messages.
    ///
    /// # Errors
    /// [`StreamError`] for blocks that no transaction writes.
    pub fn decode(blocks: &[Block], position: usize) -> Result<Self, StreamError> {
        Self::from_raw(&Raw::decode(blocks, position)?)
    }

    /// The fee (zero for what comes from L1).
    pub fn fee(&self) -> Amount {
        self.raw().map(|raw| raw.fee).unwrap_or_default()
    }
}
