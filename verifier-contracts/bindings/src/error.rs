//! What can go wrong between this process and L1.

use crate::abi::{JCT, Rollup, VerifierWrapper};
use alloy::primitives::{Address, B256, Bytes, TxHash, U256};
use alloy::sol_types::SolInterface;
use alloy::transports::{RpcError, TransportErrorKind};

/// Errors of the L1 client. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum L1Error {
    /// The endpoint is not a URL.
    #[error("{endpoint:?} is not an http(s) URL: {reason}")]
    Endpoint {
        /// As configured.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No answer, or not one of JSON-RPC.
    #[error("L1 at {endpoint} does not answer ({reason}): is the node running, is the URL right?")]
    Unreachable {
        /// Where L1 was looked for.
        endpoint: String,
        /// The transport's words.
        reason: String,
    },
    /// The endpoint serves another chain.
    #[error(
        "L1 at {endpoint} is chain {actual}, the deployment is on chain {expected}: point to another endpoint"
    )]
    WrongChain {
        /// Where L1 was looked for.
        endpoint: String,
        /// Chain of the deployment.
        expected: u64,
        /// Chain of the endpoint.
        actual: u64,
    },
    /// There is no contract at the address.
    #[error(
        "no code at {address} on chain {chain_id}: check the address of the {contract}, or wait until L1 is synced"
    )]
    NoCode {
        /// Which contract was expected.
        contract: &'static str,
        /// The address that was given.
        address: Address,
        /// The chain.
        chain_id: u64,
    },
    /// There is a contract at the address, but not this one.
    #[error("the contract at {address} is not a rollup of this version ({reason}): check the address")]
    WrongContract {
        /// The address that was given.
        address: Address,
        /// What it answered.
        reason: String,
    },
    /// The same prevrandao in every block: beacons would be known in advance.
    #[error("chain {chain_id} has a constant prevrandao ({mix}): it gives no beacons, use another L1")]
    ConstantRandomness {
        /// The chain.
        chain_id: u64,
        /// What its blocks all say.
        mix: B256,
    },
    /// A contract refused the call.
    #[error("{contract} refused: {reason}")]
    Reverted {
        /// Whose error it is: `Rollup`, `VerifierWrapper`, `JCT`, or `a contract`.
        contract: &'static str,
        /// Name and fields of the error.
        reason: String,
        /// The raw revert data.
        data: Bytes,
    },
    /// The sender cannot pay for the transaction.
    #[error("{address} holds {balance} wei, too little for value and gas: send it ether on L1 ({reason})")]
    InsufficientFunds {
        /// The sender.
        address: Address,
        /// What it holds.
        balance: U256,
        /// The node's words.
        reason: String,
    },
    /// A transaction with this nonce is already mined.
    #[error("nonce {nonce} of {address} is used: look for the receipt of what was sent with it")]
    NonceUsed {
        /// The sender.
        address: Address,
        /// The nonce.
        nonce: u64,
    },
    /// A transaction with this nonce waits, and pays about as much.
    #[error(
        "a transaction with nonce {nonce} of {address} waits and pays as much: replace it with higher fees"
    )]
    Underpriced {
        /// The sender.
        address: Address,
        /// The nonce.
        nonce: u64,
    },
    /// The node knows nothing of the transaction.
    #[error("L1 does not know transaction {0}: it was dropped or reorganised away, send it again")]
    UnknownTransaction(TxHash),
    /// The transaction is not the call that its log says it is.
    #[error("transaction {hash} is not a direct {expected} call to the rollup: its bytes cannot be read")]
    UnexpectedCalldata {
        /// The transaction.
        hash: TxHash,
        /// The function that was expected.
        expected: &'static str,
    },
    /// A log of the rollup that this version cannot read.
    #[error(
        "a log of the rollup in transaction {hash} cannot be read ({reason}): is the contract of this version?"
    )]
    UnreadableLog {
        /// The transaction.
        hash: TxHash,
        /// What is wrong with it.
        reason: String,
    },
    /// The node has no such block.
    #[error("L1 has no block {0}: the node is behind, or the chain was reorganised")]
    NoBlock(u64),
    /// A block's header does not hash to the block's hash.
    #[error(
        "the header of L1 block {number} hashes to {actual}, not to {expected}: the chain has header fields that this version does not know"
    )]
    WrongHeader {
        /// The block.
        number: u64,
        /// The node's hash.
        expected: B256,
        /// The hash of the header as it was read.
        actual: B256,
    },
    /// The signer failed.
    #[error("cannot sign: {0}")]
    Signing(String),
    /// Any other answer of the node.
    #[error("L1 at {endpoint} answered with an error: {reason}")]
    Rpc {
        /// Where L1 is.
        endpoint: String,
        /// The node's words.
        reason: String,
    },
}

impl L1Error {
    /// Whether the same request may succeed later without any change.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::NoBlock(_) | Self::Rpc { .. })
    }

    /// The contract's typed error, when it is one of the rollup's.
    pub fn rollup_error(&self) -> Option<Rollup::RollupErrors> {
        match self {
            Self::Reverted { data, .. } => Rollup::RollupErrors::abi_decode(data).ok(),
            _ => None,
        }
    }

    pub(crate) fn from_rpc(endpoint: &str, error: RpcError<TransportErrorKind>) -> Self {
        match &error {
            RpcError::ErrorResp(payload) => {
                if let Some(data) = payload.as_revert_data() {
                    return Self::reverted(data);
                }
                Self::Rpc { endpoint: endpoint.into(), reason: payload.message.to_string() }
            }
            RpcError::Transport(_) | RpcError::DeserError { .. } | RpcError::NullResp => {
                Self::Unreachable { endpoint: endpoint.into(), reason: root_cause(&error) }
            }
            _ => Self::Rpc { endpoint: endpoint.into(), reason: error.to_string() },
        }
    }

    /// Names the error in revert data.
    pub fn reverted(data: Bytes) -> Self {
        let (contract, reason) = if let Ok(e) = Rollup::RollupErrors::abi_decode(&data) {
            ("Rollup", format!("{e:?}"))
        } else if let Ok(e) = VerifierWrapper::VerifierWrapperErrors::abi_decode(&data) {
            ("VerifierWrapper", format!("{e:?}"))
        } else if let Ok(e) = JCT::JCTErrors::abi_decode(&data) {
            ("JCT", format!("{e:?}"))
        } else {
            ("a contract", alloy::sol_types::decode_revert_reason(&data).unwrap_or_else(|| data.to_string()))
        };
        Self::Reverted { contract, reason, data }
    }
}

/// The innermost message: "Connection refused" rather than the layers around it.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
