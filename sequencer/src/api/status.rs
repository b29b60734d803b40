//! Refusals as gRPC statuses.

use janction_rpc::status::refusal;
use tonic::{Code, Status};

use crate::refusal::Refusal;

/// The status for a refusal: its kind decides what a client should do, its code word says what happened.
pub fn of(error: &Refusal) -> Status {
    let kind = match error {
        Refusal::Malformed(_) | Refusal::Field { .. } | Refusal::Attachment { .. } => Code::InvalidArgument,
        Refusal::MessageTooLarge { .. } => Code::OutOfRange,
        Refusal::PublicInputs { .. } => Code::InvalidArgument,
        Refusal::BlobSize { .. } | Refusal::BlobContent { .. } | Refusal::BlobTooLarge { .. } => {
            Code::InvalidArgument
        }
        Refusal::BlobUnauthorised { .. } => Code::PermissionDenied,
        Refusal::BlobsFull | Refusal::Busy { .. } => Code::ResourceExhausted,
        Refusal::BlobStore(_) => Code::Unavailable,
        Refusal::Timeout { .. } => Code::DeadlineExceeded,
        Refusal::NotFound { .. } | Refusal::NoWork | Refusal::NoAudit => Code::NotFound,
        Refusal::AlreadyProven { .. } => Code::AlreadyExists,
        Refusal::MempoolFull { .. } | Refusal::AccountFull { .. } => Code::ResourceExhausted,
        Refusal::Stopping | Refusal::Spoiled | Refusal::Store(_) => Code::Unavailable,
        Refusal::Internal(_) => Code::Internal,
        Refusal::Ledger(_)
        | Refusal::NonceUsed { .. }
        | Refusal::NonceGap { .. }
        | Refusal::ReplacementFee { .. }
        | Refusal::FeeTooLow { .. }
        | Refusal::AuditProof { .. }
        | Refusal::Output { .. }
        | Refusal::SettleWaits { .. }
        | Refusal::BlobNeeds { .. }
        | Refusal::EarlierRefused { .. } => Code::FailedPrecondition,
    };
    refusal(kind, error.code(), error.to_string())
}
