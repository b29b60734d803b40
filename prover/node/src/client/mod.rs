//! The prover's side of the sequencer's services: leases, witnesses, heartbeats, proofs; blobs and `Settle`s (`audits.rs`).

mod audits;

pub use audits::Settled;
use janction_protocol::{Address, Digest};
use janction_rpc::encoding::DecodeError;
use janction_rpc::v1::blobs_client::BlobsClient;
use janction_rpc::v1::ledger_client::LedgerClient;
use janction_rpc::v1::proving_client::ProvingClient;
use janction_rpc::v1::{
    BlobClass, GetWitnessRequest, HeartbeatRequest, Lease, LeaseRangeRequest, ReleaseLeaseRequest,
    SubmitProofRequest,
};
use janction_rpc::{MAX_MESSAGE_BYTES, status};
use thiserror::Error;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use crate::cache::{Cache, CacheError};
use crate::pipeline::PUBLIC_INPUTS;
use crate::range::RangeWitness;
use crate::witness::Reader;

/// Why the sequencer's service was of no help.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The address is no URI.
    #[error("'{uri}' is no address of a sequencer ({source}): write for example http://127.0.0.1:7310")]
    Uri {
        /// What was given.
        uri: String,
        /// What is wrong with it.
        source: tonic::transport::Error,
    },
    /// Nobody answers.
    #[error("the sequencer at {uri} does not answer ({source}): is it running, and is the port right?")]
    Unreachable {
        /// Where.
        uri: String,
        /// Why not.
        source: tonic::transport::Error,
    },
    /// The service refused.
    #[error("the sequencer refused {call}: {} ({})", .status.message(), status::code(.status).unwrap_or("no code"))]
    Refused {
        /// The call.
        call: &'static str,
        /// The status.
        status: Box<Status>,
    },
    /// The witness is not what the lease promised.
    #[error("the sequencer's witness for batches {first} to {last} is incomplete or out of order: {reason}")]
    Witness {
        /// First batch.
        first: u64,
        /// Last batch.
        last: u64,
        /// What is wrong.
        reason: String,
    },
    /// A blob that is not in the store.
    #[error("the sequencer's store has no {class:?} blob with the name {digest}")]
    NoBlob {
        /// What it is.
        class: BlobClass,
        /// Its name.
        digest: Digest,
    },
    /// A blob that is cut off, longer than promised or too large.
    #[error(
        "the sequencer sent {got} of {expected} bytes of the {class:?} blob {digest}, or more than is read"
    )]
    BlobSize {
        /// What it is.
        class: BlobClass,
        /// Its name.
        digest: Digest,
        /// Promised bytes.
        expected: u64,
        /// Bytes that came.
        got: u64,
    },
    /// A lease whose terms no `Settle` can name.
    #[error("the lease of job {job}'s audit has no valid {field}: {reason}")]
    Lease {
        /// The job.
        job: u32,
        /// Which term.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A value in a message cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Which of a payee's processes this is: by it, one that was restarted is given its leases back, and no two are given the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder([u8; 32]);

impl Holder {
    /// The one that is kept in `data`, drawn at random the first time.
    ///
    /// # Errors
    /// [`CacheError`] when it can be neither read nor written; a damaged one is drawn anew.
    pub fn load_or_draw(data: &Cache) -> Result<Self, CacheError> {
        const FILE: &str = "holder";
        let kept = match data.read(FILE) {
            Ok(kept) => kept.and_then(|bytes| bytes.try_into().ok()),
            Err(CacheError::Corrupt { .. }) => None,
            Err(error) => return Err(error),
        };
        if let Some(kept) = kept {
            return Ok(Self(kept));
        }
        let drawn = rand::random::<[u8; 32]>();
        data.write(FILE, &drawn)?;
        Ok(Self(drawn))
    }
}

/// A connection to a sequencer.
#[derive(Clone, Debug)]
pub struct Client {
    holder: Holder,
    proving: ProvingClient<Channel>,
    ledger: LedgerClient<Channel>,
    blobs: BlobsClient<Channel>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// [`ClientError::Uri`], [`ClientError::Unreachable`].
    pub async fn connect(uri: &str, holder: Holder) -> Result<Self, ClientError> {
        let endpoint = Endpoint::from_shared(uri.to_owned())
            .map_err(|source| ClientError::Uri { uri: uri.to_owned(), source })?;
        let channel = endpoint
            .connect()
            .await
            .map_err(|source| ClientError::Unreachable { uri: uri.to_owned(), source })?;
        let proving = ProvingClient::new(channel.clone())
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        let ledger = LedgerClient::new(channel.clone())
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        let blobs = BlobsClient::new(channel)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        Ok(Self { holder, proving, ledger, blobs })
    }

    /// The oldest range that waits for a proof, or `None`.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub async fn lease(&mut self, payee: Address, max_batches: u32) -> Result<Option<Lease>, ClientError> {
        let holder = self.holder.0.to_vec().into();
        let request = LeaseRangeRequest { payee: payee.0.to_vec().into(), max_batches, holder };
        match self.proving.lease_range(request).await {
            Ok(lease) => Ok(Some(lease.into_inner())),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(refused("LeaseRange", status)),
        }
    }

    /// The whole witness of a lease, checked to be complete and in order. Whether it is *right* is the pipeline's to
    /// find out.
    ///
    /// # Errors
    /// [`ClientError::Refused`], [`ClientError::Witness`], [`ClientError::Decode`].
    pub async fn witness(&mut self, lease: &Lease) -> Result<RangeWitness, ClientError> {
        let request = GetWitnessRequest { lease: lease.id.clone() };
        let mut parts =
            self.proving.get_witness(request).await.map_err(|s| refused("GetWitness", s))?.into_inner();
        let mut reader = Reader::new(lease);
        while let Some(part) = parts.message().await.map_err(|s| refused("GetWitness", s))? {
            let part = part.part.ok_or_else(|| reader.wrong("an empty message"))?;
            reader.take(part)?;
        }
        reader.finish()
    }

    /// Says that work goes on; answers with the new expiry in unix milliseconds.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the lease is gone.
    pub async fn heartbeat(&mut self, lease: &Lease) -> Result<u64, ClientError> {
        let request = HeartbeatRequest { lease: lease.id.clone() };
        let answer = self.proving.heartbeat(request).await.map_err(|s| refused("Heartbeat", s))?;
        Ok(answer.into_inner().expires_at_ms)
    }

    /// Hands the proof in.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub async fn submit(
        &mut self,
        lease: &Lease,
        proof: Vec<u8>,
        public_inputs: [u64; PUBLIC_INPUTS],
    ) -> Result<(), ClientError> {
        let request = SubmitProofRequest {
            lease: lease.id.clone(),
            proof: proof.into(),
            public_inputs: public_inputs.to_vec(),
        };
        self.proving.submit_proof(request).await.map_err(|s| refused("SubmitProof", s))?;
        Ok(())
    }

    /// Gives the range back.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub async fn release(&mut self, lease: &Lease) -> Result<(), ClientError> {
        let request = ReleaseLeaseRequest { lease: lease.id.clone() };
        self.proving.release_lease(request).await.map_err(|s| refused("ReleaseLease", s))?;
        Ok(())
    }
}

fn refused(call: &'static str, status: Status) -> ClientError {
    ClientError::Refused { call, status: Box::new(status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_the_same_after_a_restart() {
        let holder = |folder: &tempfile::TempDir| {
            Holder::load_or_draw(&Cache::open(folder.path()).expect("a folder")).expect("a holder")
        };
        let [one, two] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let first = holder(&one);
        assert_eq!(holder(&one), first);
        assert_ne!(holder(&two), first);
        std::fs::write(one.path().join("holder"), b"damaged").expect("written");
        assert_ne!(holder(&one), first);
    }
}
