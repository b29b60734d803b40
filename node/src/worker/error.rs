//! What can be wrong with a unit, with codes and remedies.

use std::borrow::Cow;

use janction_protocol::Amount;
use janction_protocol::state::Index;
use janction_worker::DeviceChoice;
use thiserror::Error;

use crate::failure::Advice;

/// Why a unit was not registered or staked.
#[derive(Debug, Error)]
pub enum UnitProblem {
    /// The device that the unit should sell is not there.
    #[error("the device {device} is not there: {reason}")]
    NoDevice {
        /// The device.
        device: DeviceChoice,
        /// What the machine says.
        reason: String,
    },
    /// The key on the machine would be able to move the money.
    #[error("the operator key is the owner's")]
    OwnersKey,
    /// The account is a wallet.
    #[error("account {index} is a wallet and not a unit")]
    NotAUnit {
        /// The account.
        index: Index,
    },
    /// The unit's balance is too low.
    #[error("unit {index} can spend {available} JCT; stake and fee are {needed} JCT")]
    TooPoor {
        /// The unit.
        index: Index,
        /// What it can spend.
        available: Amount,
        /// What it would have to.
        needed: Amount,
    },
    /// More than is unlocked.
    #[error("unit {index} has {unlocked} JCT of stake that no job holds")]
    Locked {
        /// The unit.
        index: Index,
        /// What is unlocked.
        unlocked: Amount,
    },
    /// A sum that is no amount.
    #[error("the amounts are too large")]
    TooLarge,
    /// The sequencer has included the registration and does not show the unit.
    #[error("the registration is in a batch, but the sequencer does not show the unit")]
    NotListed,
}

impl Advice for UnitProblem {
    fn code(&self) -> Cow<'static, str> {
        let code = match self {
            Self::NoDevice { .. } => "device.absent",
            Self::OwnersKey => "worker.owners_key",
            Self::NotAUnit { .. } => "worker.not_a_unit",
            Self::TooPoor { .. } => "worker.too_poor",
            Self::Locked { .. } => "worker.locked",
            Self::TooLarge => "worker.too_large",
            Self::NotListed => "worker.not_listed",
        };
        code.into()
    }

    fn remedy(&self) -> String {
        match self {
            Self::NoDevice { .. } => "run `janction doctor`, or register with --device cpu".into(),
            Self::OwnersKey => "make another one: `janction account new NAME --kind operator`".into(),
            Self::NotAUnit { .. } => "`janction worker status OWNER` lists an owner's units".into(),
            Self::TooPoor { index, .. } => {
                format!("add --fund, or `janction account transfer OWNER AMOUNT --to {index}`")
            }
            Self::Locked { .. } => "wait until its job has ended, or take less".into(),
            Self::TooLarge => "choose smaller amounts".into(),
            Self::NotListed => "look at `janction worker status OWNER` before you register again".into(),
        }
    }
}
