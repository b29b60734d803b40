//! A transaction with its nonce and signature, as it travels to the sequencer.

use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Keccak256};

use super::Transaction;
use crate::Deployment;
use crate::crypto::schnorr::SIGNATURE_BYTES;
use crate::crypto::{SecretKey, Signature, SignatureError};
use crate::stream::{BLOCK_BYTES, Block, MAX_BLOCKS, Signer, StreamError};
use crate::transition::{Authorization, Role, message};

/// Bytes that a signed kind has after its blocks: nonce (4), role (1), signature (80).
const SUFFIX: usize = 4 + 1 + SIGNATURE_BYTES;

/// A transaction as it is sent: signed kinds with nonce and signature, the others bare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedTransaction {
    /// What is to happen.
    pub transaction: Transaction,
    /// The signing account's nonce (zero for unsigned kinds).
    pub nonce: u32,
    /// The signature (none for unsigned kinds).
    pub authorization: Option<Authorization>,
}

/// Why bytes are no signed transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignedTransactionError {
    /// Neither the length of a transaction of its kind nor of any.
    #[error(
        "{got} bytes are no transaction of this kind, which has {expected}: send exactly what was encoded"
    )]
    Length {
        /// What the kind has (0: not even a block).
        expected: usize,
        /// What was given.
        got: usize,
    },
    /// The blocks.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Neither owner (0) nor operator (1).
    #[error("role {0} is neither owner (0) nor operator (1)")]
    Role(u8),
    /// The signature's encoding.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl SignedTransaction {
    /// The most bytes that any of them takes.
    pub const MAX_BYTES: usize = MAX_BLOCKS * BLOCK_BYTES + SUFFIX;

    /// A transaction of a kind that nobody signs.
    pub fn unsigned(transaction: impl Into<Transaction>) -> Self {
        Self { transaction: transaction.into(), nonce: 0, authorization: None }
    }

    /// Signs with `secret` in the role `role`.
    ///
    /// # Errors
    /// [`StreamError::TooWide`] when a field does not fit.
    pub fn sign(
        transaction: impl Into<Transaction>,
        nonce: u32,
        deployment: &Deployment,
        role: Role,
        secret: &SecretKey,
    ) -> Result<Self, StreamError> {
        let transaction = transaction.into();
        let signature = secret.sign(&message(deployment, nonce, &transaction.blocks()?));
        Ok(Self { transaction, nonce, authorization: Some(Authorization { role, signature }) })
    }

    /// The bytes: the blocks, then for signed kinds nonce (4), role (1) and signature (80).
    ///
    /// # Errors
    /// [`StreamError::TooWide`] when a field does not fit.
    pub fn encode(&self) -> Result<Vec<u8>, StreamError> {
        let mut bytes: Vec<u8> = self.transaction.blocks()?.iter().flat_map(Block::to_bytes).collect();
        if let Some(Authorization { role, signature }) = &self.authorization {
            bytes.extend(self.nonce.to_be_bytes());
            bytes.push(*role as u8);
            bytes.extend(signature.to_bytes());
        }
        Ok(bytes)
    }

    /// The inverse of [`SignedTransaction::encode`]; accepts exactly what that writes.
    ///
    /// # Errors
    /// [`SignedTransactionError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, SignedTransactionError> {
        let got = bytes.len();
        let (chunks, _) = bytes.as_chunks::<BLOCK_BYTES>();
        if chunks.is_empty() {
            return Err(SignedTransactionError::Length { expected: 0, got });
        }
        let blocks: Vec<Block> = chunks.iter().take(MAX_BLOCKS).map(Block::from_bytes).collect();
        let transaction = Transaction::decode(&blocks, 0)?;
        let body = transaction.kind().blocks() * BLOCK_BYTES;
        let signed = transaction.kind().signer() != Signer::None;
        let expected = if signed { body + SUFFIX } else { body };
        if got != expected {
            return Err(SignedTransactionError::Length { expected, got });
        }
        if !signed {
            return Ok(Self::unsigned(transaction));
        }
        let mut nonce = [0; 4];
        nonce.copy_from_slice(&bytes[body..body + 4]);
        let role = match bytes[body + 4] {
            0 => Role::Owner,
            1 => Role::Operator,
            other => return Err(SignedTransactionError::Role(other)),
        };
        let mut signature = [0; SIGNATURE_BYTES];
        signature.copy_from_slice(&bytes[body + 5..]);
        let signature = Signature::from_bytes(&signature)?;
        let authorization = Some(Authorization { role, signature });
        Ok(Self { transaction, nonce: u32::from_be_bytes(nonce), authorization })
    }

    /// keccak256 of the bytes: its name in the mempool and in logs.
    ///
    /// # Errors
    /// [`StreamError::TooWide`] when a field does not fit.
    pub fn id(&self) -> Result<[u8; 32], StreamError> {
        Ok(Keccak256::digest(self.encode()?).into())
    }
}
