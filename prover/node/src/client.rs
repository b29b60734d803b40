//! The prover's side of the `Proving` service: leases, witnesses, heartbeats, proofs.

use janction_protocol::Address;
use janction_protocol::state::RunState;
use janction_protocol::transition::StepWitness;
use janction_rpc::encoding::{DecodeError, decode};
use janction_rpc::v1::proving_client::ProvingClient;
use janction_rpc::v1::witness_part::Part;
use janction_rpc::v1::{
    GetWitnessRequest, HeartbeatRequest, Lease, LeaseRangeRequest, ReleaseLeaseRequest, SubmitProofRequest,
};
use janction_rpc::{MAX_MESSAGE_BYTES, status};
use thiserror::Error;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use crate::pipeline::{PUBLIC_INPUTS, RangeWitness};

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
    /// A value in a message cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// A connection to a sequencer's `Proving` service.
#[derive(Clone, Debug)]
pub struct Client {
    service: ProvingClient<Channel>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// [`ClientError::Uri`], [`ClientError::Unreachable`].
    pub async fn connect(uri: &str) -> Result<Self, ClientError> {
        let endpoint = Endpoint::from_shared(uri.to_owned())
            .map_err(|source| ClientError::Uri { uri: uri.to_owned(), source })?;
        let channel = endpoint
            .connect()
            .await
            .map_err(|source| ClientError::Unreachable { uri: uri.to_owned(), source })?;
        let service = ProvingClient::new(channel).max_decoding_message_size(MAX_MESSAGE_BYTES);
        Ok(Self { service })
    }

    /// The oldest range that waits for a proof, or `None`.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub async fn lease(&mut self, payee: Address, max_batches: u32) -> Result<Option<Lease>, ClientError> {
        let request = LeaseRangeRequest { payee: payee.0.to_vec().into(), max_batches };
        match self.service.lease_range(request).await {
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
            self.service.get_witness(request).await.map_err(|s| refused("GetWitness", s))?.into_inner();
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
        let answer = self.service.heartbeat(request).await.map_err(|s| refused("Heartbeat", s))?;
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
        self.service.submit_proof(request).await.map_err(|s| refused("SubmitProof", s))?;
        Ok(())
    }

    /// Gives the range back.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub async fn release(&mut self, lease: &Lease) -> Result<(), ClientError> {
        let request = ReleaseLeaseRequest { lease: lease.id.clone() };
        self.service.release_lease(request).await.map_err(|s| refused("ReleaseLease", s))?;
        Ok(())
    }
}

fn refused(call: &'static str, status: Status) -> ClientError {
    ClientError::Refused { call, status: Box::new(status) }
}

/// Puts a range's witness together from the parts of the stream.
struct Reader {
    first: u64,
    last: u64,
    start: Option<(RunState, [u64; PUBLIC_INPUTS])>,
    /// The batch that is being read, and how many of its steps are to come.
    batch: Option<(u64, u32)>,
    read_in_batch: u32,
    steps: Vec<StepWitness>,
}

impl Reader {
    fn new(lease: &Lease) -> Self {
        let steps = Vec::new();
        Self { first: lease.first, last: lease.last, start: None, batch: None, read_in_batch: 0, steps }
    }

    fn wrong(&self, reason: impl Into<String>) -> ClientError {
        ClientError::Witness { first: self.first, last: self.last, reason: reason.into() }
    }

    fn take(&mut self, part: Part) -> Result<(), ClientError> {
        match part {
            Part::Start(start) => {
                if self.start.is_some() {
                    return Err(self.wrong("a second start"));
                }
                if (start.first, start.last) != (self.first, self.last) {
                    return Err(self.wrong(format!("it covers batches {} to {}", start.first, start.last)));
                }
                let inputs = start.public_inputs.try_into().map_err(|inputs: Vec<u64>| {
                    self.wrong(format!("{} public inputs instead of {PUBLIC_INPUTS}", inputs.len()))
                })?;
                self.start = Some((decode(&start.run)?, inputs));
            }
            Part::Batch(batch) => {
                let expected = match self.batch {
                    None => self.first,
                    Some((number, 0)) => number + 1,
                    Some((number, rest)) => {
                        return Err(self.wrong(format!("batch {number} lacks {rest} steps")));
                    }
                };
                if batch.number != expected || batch.number > self.last {
                    return Err(self.wrong(format!("batch {} where {expected} is due", batch.number)));
                }
                self.batch = Some((batch.number, batch.steps));
                self.read_in_batch = 0;
            }
            Part::Steps(steps) => {
                let count = u32::try_from(steps.steps.len()).unwrap_or(u32::MAX);
                let rest = match self.batch {
                    Some((number, rest))
                        if number == steps.batch && steps.first == self.read_in_batch && count <= rest =>
                    {
                        rest - count
                    }
                    _ => {
                        return Err(self.wrong(format!(
                            "{count} steps of batch {} from {} on, which are not due",
                            steps.batch, steps.first
                        )));
                    }
                };
                for step in &steps.steps {
                    self.steps.push(decode(step)?);
                }
                self.batch = Some((steps.batch, rest));
                self.read_in_batch += count;
            }
            // Audit proofs come with `Settle`, whose claims no circuit backs yet.
            Part::Attachment(_) => return Err(self.wrong("an attachment, which this version cannot prove")),
        }
        Ok(())
    }

    fn finish(self) -> Result<RangeWitness, ClientError> {
        if self.batch != Some((self.last, 0)) {
            return Err(self.wrong("the stream ended early"));
        }
        match self.start {
            Some((run, public_inputs)) => Ok(RangeWitness { run, steps: self.steps, public_inputs }),
            None => Err(self.wrong("it has no start")),
        }
    }
}

#[cfg(test)]
mod tests {
    use janction_rpc::v1::{BatchStart, RangeStart, Steps};

    use super::*;

    fn lease() -> Lease {
        Lease { first: 3, last: 4, ..Lease::default() }
    }

    fn batch(number: u64, steps: u32) -> Part {
        Part::Batch(BatchStart { number, steps, ..BatchStart::default() })
    }

    fn refusal(parts: Vec<Part>) -> String {
        let mut reader = Reader::new(&lease());
        for part in parts {
            if let Err(error) = reader.take(part) {
                return error.to_string();
            }
        }
        reader.finish().expect_err("incomplete").to_string()
    }

    #[test]
    fn incomplete_or_shuffled_witnesses_are_refused() {
        let cases = [
            (vec![], "ended early"),
            (vec![batch(3, 0), batch(4, 0)], "no start"),
            (vec![batch(4, 0)], "batch 4 where 3 is due"),
            (vec![batch(3, 0), batch(3, 0)], "batch 3 where 4 is due"),
            (vec![batch(3, 2), batch(4, 0)], "batch 3 lacks 2 steps"),
            (vec![batch(3, 0), batch(4, 0), batch(5, 0)], "batch 5 where 5 is due"),
            (vec![Part::Steps(Steps { batch: 3, first: 0, steps: vec![Vec::new().into()] })], "not due"),
            (
                vec![batch(3, 1), Part::Steps(Steps { batch: 3, first: 1, steps: vec![Vec::new().into()] })],
                "not due",
            ),
            (vec![Part::Start(RangeStart { first: 3, last: 9, ..RangeStart::default() })], "3 to 9"),
            (vec![Part::Start(RangeStart { first: 3, last: 4, ..RangeStart::default() })], "0 public inputs"),
        ];
        for (parts, expected) in cases {
            let error = refusal(parts);
            assert!(error.contains(expected), "'{error}' does not say '{expected}'");
        }
    }
}
