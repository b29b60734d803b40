//! Who signed a transaction, and over what.

use plonky2::field::types::Field;
use serde::{Deserialize, Serialize};

use super::RuleError;
use crate::crypto::{PublicKey, Signature};
use crate::hash::{hash, tag};
use crate::state::{Account, AccountKind};
use crate::stream::{Block, Kind, Signer};
use crate::{Deployment, Digest, F};

/// Which of the account's keys signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Role {
    /// The owner key.
    Owner = 0,
    /// The operator key: bids, reveals and submits only.
    Operator = 1,
}

/// A signature and the role in which it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// Which key.
    pub role: Role,
    /// Over [`message`].
    #[serde(with = "as_words")]
    pub signature: Signature,
}

/// What is signed: `H(TX, deployment[4] ++ [nonce, 0, 0, 0] ++ limbs of the blocks)`.
pub fn message(deployment: &Deployment, nonce: u32, blocks: &[Block]) -> Digest {
    let mut data = deployment.elements().to_vec();
    data.extend([F::from_canonical_u32(nonce), F::ZERO, F::ZERO, F::ZERO]);
    data.extend(blocks.iter().flat_map(Block::elements));
    hash(tag::TX, &data)
}

/// Checks that a transaction of `kind` by `account` is signed by a key that may sign it.
///
/// # Errors
/// Missing, superfluous or wrong signature, or an operator where the owner must sign.
pub fn check(
    kind: Kind,
    account: &Account,
    message: Digest,
    authorization: Option<&Authorization>,
) -> Result<(), RuleError> {
    let signer = kind.signer();
    let Some(authorization) = authorization else {
        return if signer == Signer::None { Ok(()) } else { Err(RuleError::Unsigned { kind }) };
    };
    let key = match (signer, authorization.role) {
        (Signer::None, _) => return Err(RuleError::NeedlesslySigned { kind }),
        (Signer::Owner, Role::Operator) => return Err(RuleError::OperatorMayNot { kind }),
        (_, Role::Owner) => account.owner,
        (_, Role::Operator) => account.operator,
    };
    // An unused account has no key; said here so that no encoding of zero could ever sign for it.
    if account.kind == AccountKind::Empty {
        return Err(RuleError::Signature);
    }
    let key = PublicKey::try_from(key).map_err(|_| RuleError::Signature)?;
    key.verify(&message, &authorization.signature).map_err(|_| RuleError::Signature)
}

/// A signature as ten big-endian words, for serde.
mod as_words {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::crypto::Signature;

    pub(super) fn serialize<S: Serializer>(signature: &Signature, serializer: S) -> Result<S::Ok, S::Error> {
        let mut words = [0u64; 10];
        for (word, chunk) in words.iter_mut().zip(signature.to_bytes().chunks_exact(8)) {
            *word = chunk.iter().fold(0, |x, &b| x << 8 | u64::from(b));
        }
        words.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Signature, D::Error> {
        let mut bytes = [0; 80];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(<[u64; 10]>::deserialize(deserializer)?) {
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        Signature::from_bytes(&bytes).map_err(D::Error::custom)
    }
}
