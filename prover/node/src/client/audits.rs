//! Audits: their leases, the blobs that they are proven from, the `Settle` that they end in.

use janction_protocol::state::{Job, JobStatus};
use janction_protocol::transaction::{Settle, SignedTransaction, Transaction};
use janction_protocol::{Address, Amount, Digest};
use janction_rpc::encoding::decode;
use janction_rpc::v1::{
    AuditFault, AuditLease, BlobClass, BlobName, GetBlobRequest, GetJobRequest, HeartbeatRequest,
    LeaseAuditRequest, ReleaseAuditRequest, SubmitTransactionRequest,
};
use tonic::{Code, Status};

use super::{Client, ClientError, refused};

/// Bytes of a blob at most.
const BLOB_BYTES: u64 = 1 << 30;
/// Characters of a fault's reason at most.
const REASON: usize = 400;

/// How a job came to be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The sequencer took this prover's `Settle`.
    Now,
    /// It had ended already.
    ByAnother,
}

impl Client {
    /// The audit whose proving window ends first, or `None`.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub async fn lease_audit(&mut self, payee: Address) -> Result<Option<AuditLease>, ClientError> {
        let holder = self.holder.0.to_vec().into();
        let request = LeaseAuditRequest { payee: payee.0.to_vec().into(), holder };
        match self.proving.lease_audit(request).await {
            Ok(lease) => Ok(Some(lease.into_inner())),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(refused("LeaseAudit", status)),
        }
    }

    /// Says that work on an audit goes on; answers with the new expiry in unix milliseconds.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the lease is gone.
    pub async fn heartbeat_audit(&mut self, lease: &AuditLease) -> Result<u64, ClientError> {
        let request = HeartbeatRequest { lease: lease.id.clone() };
        let answer = self.proving.heartbeat_audit(request).await.map_err(|s| refused("HeartbeatAudit", s))?;
        Ok(answer.into_inner().expires_at_ms)
    }

    /// Gives an audit back; `fault` says why there is no proof, if that is the job's own doing: a stable word and one line.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub async fn release_audit(
        &mut self,
        lease: &AuditLease,
        fault: Option<(&str, &str)>,
        payee: Address,
    ) -> Result<(), ClientError> {
        let fault = fault.map(|(code, reason)| AuditFault {
            // The sequencer's clock counts.
            time: 0,
            code: code.to_owned(),
            reason: reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON).collect(),
            payee: payee.0.to_vec().into(),
        });
        let request = ReleaseAuditRequest { lease: lease.id.clone(), fault };
        self.proving.release_audit(request).await.map_err(|s| refused("ReleaseAudit", s))?;
        Ok(())
    }

    /// A blob by its name. Its content is unchecked.
    ///
    /// # Errors
    /// [`ClientError::NoBlob`], [`ClientError::BlobSize`], [`ClientError::Refused`].
    pub async fn blob(&mut self, class: BlobClass, digest: Digest) -> Result<Vec<u8>, ClientError> {
        let failed = |status: Status| match status.code() {
            Code::NotFound => ClientError::NoBlob { class, digest },
            _ => refused("GetBlob", status),
        };
        let name = BlobName { class: class.into(), digest: digest.to_bytes().to_vec().into() };
        let request = GetBlobRequest { name: Some(name) };
        let mut parts = self.blobs.get_blob(request).await.map_err(failed)?.into_inner();
        let mut blob = Blob::default();
        while let Some(part) = parts.message().await.map_err(failed)? {
            if !blob.take(part.size, &part.bytes) {
                break;
            }
        }
        blob.finish().map_err(|(expected, got)| ClientError::BlobSize { class, digest, expected, got })
    }

    /// Hands in the `Settle` of a leased job with its audit proof. The same transaction may be there already, and the job
    /// may have ended; neither is an error.
    ///
    /// # Errors
    /// [`ClientError::Refused`], [`ClientError::Lease`].
    pub async fn settle(
        &mut self,
        lease: &AuditLease,
        output_root: Digest,
        proof: Vec<u8>,
    ) -> Result<Settled, ClientError> {
        let amount = |field, units| {
            Amount::new(units).map_err(|e| ClientError::Lease {
                job: lease.job,
                field,
                reason: e.to_string(),
            })
        };
        let settle = Settle {
            fee: amount("fee", lease.fee)?,
            job: lease.job,
            price: amount("price", lease.price)?,
            output_root,
        };
        let transaction = SignedTransaction::unsigned(Transaction::Settle(settle))
            .encode()
            .map_err(|e| ClientError::Lease { job: lease.job, field: "terms", reason: e.to_string() })?;
        let request = SubmitTransactionRequest { transaction: transaction.into(), attachment: proof.into() };
        let Err(refusal) = self.ledger.submit_transaction(request).await else { return Ok(Settled::Now) };
        match self.ended(lease.job).await {
            Ok(true) => Ok(Settled::ByAnother),
            _ => Err(refused("SubmitTransaction", refusal)),
        }
    }

    /// Whether a job is no longer to be proven.
    async fn ended(&mut self, index: u32) -> Result<bool, ClientError> {
        let answer = self.ledger.get_job(GetJobRequest { index }).await.map_err(|s| refused("GetJob", s))?;
        let job: Job = decode(&answer.into_inner().job)?;
        Ok(job.status != JobStatus::Proving)
    }
}

/// A blob that is coming in.
#[derive(Debug, Default)]
struct Blob {
    size: Option<u64>,
    bytes: Vec<u8>,
}

impl Blob {
    /// Whether to read on. The first part has the size of the whole.
    fn take(&mut self, size: u64, bytes: &[u8]) -> bool {
        let size = *self.size.get_or_insert(size);
        self.bytes.extend_from_slice(bytes);
        size <= BLOB_BYTES && self.bytes.len() as u64 <= size
    }

    /// The content, or the size that it should have and the one that it has.
    fn finish(self) -> Result<Vec<u8>, (u64, u64)> {
        let (expected, got) = (self.size.unwrap_or(0), self.bytes.len() as u64);
        if self.size == Some(got) && got <= BLOB_BYTES { Ok(self.bytes) } else { Err((expected, got)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[(u64, &[u8])]) -> Result<Vec<u8>, (u64, u64)> {
        let mut blob = Blob::default();
        let _ = parts.iter().all(|&(size, bytes)| blob.take(size, bytes));
        blob.finish()
    }

    #[test]
    fn blobs_have_the_size_that_was_promised() {
        assert_eq!(read(&[(3, b"ab"), (0, b"c")]), Ok(b"abc".to_vec()));
        assert_eq!(read(&[(0, b"")]), Ok(vec![]));
        assert_eq!(read(&[]), Err((0, 0)), "nothing at all");
        assert_eq!(read(&[(3, b"ab")]), Err((3, 2)), "cut off");
        assert_eq!(read(&[(1, b"ab"), (0, b"c")]), Err((1, 2)), "too much, and no more is read");
        assert_eq!(read(&[(u64::MAX, b"ab"), (0, b"c")]), Err((u64::MAX, 2)), "too large");
    }
}
