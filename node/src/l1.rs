//! L1 as the commands use it: `janction-bindings` does the talking; here are the configuration and what to tell the user.

use std::borrow::Cow;
use std::time::Duration;

use alloy::primitives::{Address, U256};
use janction_bindings::{L1, L1Error};
use janction_protocol::Amount;
use thiserror::Error;

use crate::config::Config;
use crate::failure::{Advice, Exit, Outcome};

/// How long a transaction may take to be mined.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Wei of JCT in a unit of the ledger.
pub const WEI_PER_UNIT: u64 = 1_000_000_000;

/// `amount` in wei of JCT.
pub fn wei(amount: Amount) -> U256 {
    U256::from(amount.units()) * U256::from(WEI_PER_UNIT)
}

/// What the commands themselves find wrong on L1.
#[derive(Debug, Error)]
pub enum L1Problem {
    /// An address does not parse.
    #[error("`{text}` is not an L1 address")]
    Address {
        /// As configured.
        text: String,
    },
    /// The token balance is too low.
    #[error("{holder} holds {found} wei of JCT, {wanted} are needed")]
    TooPoor {
        /// Whose balance.
        holder: Address,
        /// What it is.
        found: U256,
        /// What is needed.
        wanted: U256,
    },
}

impl Advice for L1Problem {
    fn code(&self) -> Cow<'static, str> {
        let code = match self {
            L1Problem::Address { .. } => "l1.address",
            L1Problem::TooPoor { .. } => "l1.too_poor",
        };
        code.into()
    }

    fn remedy(&self) -> String {
        match self {
            L1Problem::Address { .. } => "set l1.rollup to 0x and 40 hexadecimal digits".into(),
            L1Problem::TooPoor { .. } => "send JCT to that address first".into(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            L1Problem::Address { .. } => Exit::Usage,
            L1Problem::TooPoor { .. } => Exit::Failed,
        }
    }
}

impl Advice for L1Error {
    fn code(&self) -> Cow<'static, str> {
        let code = match self {
            L1Error::Endpoint { .. } => "l1.endpoint",
            L1Error::Unreachable { .. } => "l1.unreachable",
            L1Error::WrongChain { .. } => "l1.wrong_chain",
            L1Error::NoCode { .. } => "l1.no_code",
            L1Error::WrongContract { .. } => "l1.wrong_contract",
            L1Error::ConstantRandomness { .. } => "l1.constant_randomness",
            L1Error::Reverted { .. } => "l1.reverted",
            L1Error::InsufficientFunds { .. } => "l1.insufficient_funds",
            L1Error::NonceUsed { .. } => "l1.nonce_used",
            L1Error::Underpriced { .. } => "l1.underpriced",
            L1Error::UnknownTransaction(_) => "l1.unknown_transaction",
            L1Error::UnexpectedCalldata { .. } => "l1.unexpected_calldata",
            L1Error::UnreadableLog { .. } => "l1.unreadable_log",
            L1Error::NoBlock(_) => "l1.no_block",
            L1Error::WrongHeader { .. } => "l1.wrong_header",
            L1Error::Signing(_) => "l1.signing",
            L1Error::Rpc { .. } => "l1.rpc",
        };
        code.into()
    }

    fn remedy(&self) -> String {
        let remedy = match self {
            L1Error::Endpoint { .. } => "set l1.url to something like http://127.0.0.1:8545",
            L1Error::Unreachable { .. } => "start the node, or set l1.url",
            L1Error::WrongChain { .. } => "set l1.url or l1.chain_id to the chain that is meant",
            L1Error::NoCode { .. } | L1Error::WrongContract { .. } => {
                "set l1.rollup to the rollup's address on this chain; the deployment printed it"
            }
            L1Error::ConstantRandomness { .. } => "use an L1 whose blocks carry a prevrandao",
            L1Error::Reverted { .. } => "nothing was changed; the error's name says which rule was broken",
            L1Error::InsufficientFunds { .. } => "send ether to the L1 key's address",
            L1Error::NonceUsed { .. } | L1Error::Underpriced { .. } => {
                "let no other program send with this key, and try again"
            }
            L1Error::UnknownTransaction(_) => "look for it in an explorer before you send it again",
            L1Error::UnexpectedCalldata { .. }
            | L1Error::UnreadableLog { .. }
            | L1Error::WrongHeader { .. } => "use the version of janction that belongs to this deployment",
            L1Error::NoBlock(_) => "wait until the node has caught up, or use an archive node",
            L1Error::Signing(_) => "check the L1 key",
            L1Error::Rpc { .. } => "see the node's own log",
        };
        remedy.into()
    }

    fn exit(&self) -> Exit {
        match self {
            L1Error::Endpoint { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

/// Connects to the configured rollup.
///
/// # Errors
/// No or a malformed address, L1 unreachable or another chain, no or another contract.
pub async fn connect(config: &Config) -> Outcome<L1> {
    let text = config.rollup()?;
    let address: Address = text.parse().map_err(|_| L1Problem::Address { text: text.to_owned() })?;
    Ok(L1::connect(&config.l1.url, config.l1.chain_id, address).await?)
}
