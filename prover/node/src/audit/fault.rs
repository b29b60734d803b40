//! What a prover says of a job that it cannot prove.

use janction_aggregate::AggregateError;
use janction_audit::AuditError;
use janction_rpc::v1::BlobClass;

use super::MaterialError;
use crate::client::ClientError;
use crate::error::ProverError;

/// The stable word for an error that is the job's own, whoever proves it; `None` for what another prover, or this one
/// later, may be spared.
pub(crate) const fn code(error: &ProverError) -> Option<&'static str> {
    match error {
        ProverError::Audit(AuditError::FalseRow { .. }) => Some("false-row"),
        ProverError::Audit(AuditError::Openings(_))
        | ProverError::Material(MaterialError::Openings(_))
        | ProverError::Client(ClientError::NoBlob { class: BlobClass::Openings, .. }) => Some("openings"),
        ProverError::AuditKey { .. }
        | ProverError::Material(_)
        | ProverError::Client(ClientError::NoBlob { .. })
        | ProverError::Audit(
            AuditError::TooLarge { .. }
            | AuditError::PieceTooLarge { .. }
            | AuditError::Claim { .. }
            | AuditError::Aggregate(AggregateError::Shape { .. }),
        ) => Some("unprovable"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use janction_audit::{Place, Rule};
    use janction_protocol::Digest;

    use super::*;

    #[test]
    fn only_the_jobs_own_errors_are_reported() {
        let row = AuditError::FalseRow {
            operation: "dense".into(),
            row: 3,
            place: Place::Column(1),
            rule: Rule::Result,
            expected: "5".into(),
            got: "6".into(),
        };
        assert_eq!(code(&row.into()), Some("false-row"));
        let missing = |class| ClientError::NoBlob { class, digest: Digest::ZERO }.into();
        assert_eq!(code(&missing(BlobClass::Openings)), Some("openings"));
        assert_eq!(code(&missing(BlobClass::Program)), Some("unprovable"));
        let key = ProverError::AuditKey { expected: Digest::ZERO, got: Digest::ZERO };
        assert_eq!(code(&key), Some("unprovable"));
        assert_eq!(code(&ProverError::Cancelled), None);
        assert_eq!(code(&ProverError::Payee), None);
    }
}
