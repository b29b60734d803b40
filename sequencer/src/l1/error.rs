//! What L1, or the way to it, answers instead of a result.

use janction_protocol::Address;

/// Why something on L1 did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum L1Error {
    /// No answer, or none that makes sense.
    #[error("L1 at {endpoint} does not answer ({reason}): is the node running, is the URL right?")]
    Unreachable {
        /// The endpoint.
        endpoint: String,
        /// What happened.
        reason: String,
    },
    /// A call reverts.
    #[error("{contract} refused: {reason}")]
    Reverted {
        /// Whose error it is.
        contract: &'static str,
        /// Name and fields of the error.
        reason: String,
        /// The raw revert data.
        data: Vec<u8>,
    },
    /// A transaction with this nonce is mined.
    #[error("nonce {nonce} of {address} is used")]
    NonceUsed {
        /// The sender.
        address: Address,
        /// The nonce.
        nonce: u64,
    },
    /// A transaction with this nonce waits, and pays about as much.
    #[error("a transaction with nonce {nonce} of {address} waits and pays as much")]
    Underpriced {
        /// The sender.
        address: Address,
        /// The nonce.
        nonce: u64,
    },
}
