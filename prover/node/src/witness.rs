//! Reading a range's witness from the stream of `Proving.GetWitness`.
//!
//! ```text
//! start, then for each batch: batch, its steps, then the audit proofs of its Settles
//! ```
//!
//! Nothing of it is trusted: order, counts and sizes are checked here, and whether it is *right* is found out by the range's
//! replay before work begins.

use std::collections::VecDeque;

use janction_protocol::state::RunState;
use janction_protocol::stream::Kind;
use janction_protocol::transition::StepWitness;
use janction_rpc::encoding::decode;
use janction_rpc::v1::witness_part::Part;
use janction_rpc::v1::{Attachment, BatchStart, Lease, RangeStart, Steps};

use crate::client::ClientError;
use crate::pipeline::PUBLIC_INPUTS;
use crate::range::RangeWitness;

/// Bytes of an audit proof at most. All have one length, far below; this is what a stranger can make us hold for each.
const ATTACHMENT_BYTES: u32 = 4 << 20;

/// Puts a range's witness together from the parts of the stream.
pub(crate) struct Reader {
    first: u64,
    last: u64,
    start: Option<(RunState, [u64; PUBLIC_INPUTS])>,
    /// The batch that is being read, and how many of its steps are to come.
    batch: Option<(u64, u32)>,
    read_in_batch: u32,
    steps: Vec<StepWitness>,
    /// Places in the batch's L2 part of the Settles whose audit proof is to come.
    settles: VecDeque<u32>,
    /// What has come of the next one.
    partial: Vec<u8>,
    audits: Vec<Vec<u8>>,
}

impl Reader {
    pub(crate) fn new(lease: &Lease) -> Self {
        Self {
            first: lease.first,
            last: lease.last,
            start: None,
            batch: None,
            read_in_batch: 0,
            steps: Vec::new(),
            settles: VecDeque::new(),
            partial: Vec::new(),
            audits: Vec::new(),
        }
    }

    pub(crate) fn wrong(&self, reason: impl Into<String>) -> ClientError {
        ClientError::Witness { first: self.first, last: self.last, reason: reason.into() }
    }

    pub(crate) fn take(&mut self, part: Part) -> Result<(), ClientError> {
        match part {
            Part::Start(start) => self.start(start),
            Part::Batch(batch) => self.batch(&batch),
            Part::Steps(steps) => self.steps(&steps),
            Part::Attachment(attachment) => self.attachment(&attachment),
        }
    }

    fn start(&mut self, start: RangeStart) -> Result<(), ClientError> {
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
        Ok(())
    }

    /// Nothing of the batch before is missing.
    fn batch_is_whole(&self) -> Result<(), ClientError> {
        let Some((number, steps)) = self.batch else { return Ok(()) };
        if steps != 0 {
            return Err(self.wrong(format!("batch {number} lacks {steps} steps")));
        }
        match self.settles.front() {
            None => Ok(()),
            Some(position) => {
                Err(self.wrong(format!("the Settle at {position} of batch {number} lacks its audit proof")))
            }
        }
    }

    fn batch(&mut self, batch: &BatchStart) -> Result<(), ClientError> {
        self.batch_is_whole()?;
        let expected = self.batch.map_or(self.first, |(number, _)| number + 1);
        if batch.number != expected || batch.number > self.last {
            return Err(self.wrong(format!("batch {} where {expected} is due", batch.number)));
        }
        self.batch = Some((batch.number, batch.steps));
        self.read_in_batch = 0;
        Ok(())
    }

    fn steps(&mut self, steps: &Steps) -> Result<(), ClientError> {
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
        for (index, step) in (steps.first..).zip(&steps.steps) {
            let step: StepWitness = decode(step)?;
            if step.kind == Kind::Settle {
                // The first step is the batch's Open; the L2 part follows it.
                self.settles.push_back(index.saturating_sub(1));
            }
            self.steps.push(step);
        }
        self.batch = Some((steps.batch, rest));
        self.read_in_batch += count;
        Ok(())
    }

    fn attachment(&mut self, part: &Attachment) -> Result<(), ClientError> {
        let Attachment { batch, position, offset, total, bytes } = part;
        let due = match self.batch {
            Some((number, 0)) if number == *batch => self.settles.front() == Some(position),
            _ => false,
        };
        if !due {
            return Err(
                self.wrong(format!("an attachment of transaction {position} of batch {batch}, not due"))
            );
        }
        if *total > ATTACHMENT_BYTES {
            return Err(self
                .wrong(format!("an attachment of {total} bytes, at most {ATTACHMENT_BYTES} are expected")));
        }
        let (total, read) = (*total as usize, self.partial.len());
        if *offset as usize != read || bytes.is_empty() || bytes.len() > total.saturating_sub(read) {
            return Err(self.wrong(format!(
                "{} bytes from {offset} on of an attachment of {total}, of which {read} are here",
                bytes.len()
            )));
        }
        self.partial.extend_from_slice(bytes);
        if self.partial.len() == total {
            self.audits.push(std::mem::take(&mut self.partial));
            self.settles.pop_front();
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<RangeWitness, ClientError> {
        self.batch_is_whole()?;
        if self.batch != Some((self.last, 0)) {
            return Err(self.wrong("the stream ended early"));
        }
        match self.start {
            Some((run, public_inputs)) => {
                Ok(RangeWitness { run, steps: self.steps, audits: self.audits, public_inputs })
            }
            None => Err(self.wrong("it has no start")),
        }
    }
}

#[cfg(test)]
mod tests {
    use janction_protocol::state::{Account, Job};
    use janction_protocol::transition::Slot;
    use janction_protocol::tree::Opening;
    use janction_protocol::{Digest, F};
    use janction_rpc::encoding::encode;
    use plonky2::field::types::Field;

    use super::*;

    fn lease() -> Lease {
        Lease { first: 3, last: 4, ..Lease::default() }
    }

    fn batch(number: u64, steps: u32) -> Part {
        Part::Batch(BatchStart { number, steps, ..BatchStart::default() })
    }

    /// Steps of these kinds and nothing in them.
    fn steps(batch: u64, first: u32, kinds: &[Kind]) -> Part {
        let opening = Opening { index: 0, siblings: [Digest::ZERO; 24] };
        let accounts = Slot { opening, old: Account::default(), new: Account::default() };
        let jobs = Slot { opening, old: Job::default(), new: Job::default() };
        let step = |&kind: &Kind| {
            let step = StepWitness {
                kind,
                blocks: Vec::new(),
                a: accounts,
                b: accounts,
                j: jobs,
                authorization: None,
                r: [F::ZERO; 2],
            };
            encode(&step).expect("a value of the protocol").into()
        };
        Part::Steps(Steps { batch, first, steps: kinds.iter().map(step).collect() })
    }

    fn piece(batch: u64, position: u32, offset: u32, total: u32, bytes: &[u8]) -> Part {
        Part::Attachment(Attachment { batch, position, offset, total, bytes: bytes.to_vec().into() })
    }

    fn read(parts: Vec<Part>) -> Result<RangeWitness, ClientError> {
        let mut reader = Reader::new(&lease());
        parts.into_iter().try_for_each(|part| reader.take(part))?;
        reader.finish()
    }

    fn refused(parts: Vec<Part>, expected: &str) {
        let error = read(parts).expect_err("must be refused").to_string();
        assert!(error.contains(expected), "'{error}' does not say '{expected}'");
    }

    #[test]
    fn incomplete_or_shuffled_witnesses_are_refused() {
        refused(vec![], "ended early");
        refused(vec![batch(3, 0), batch(4, 0)], "no start");
        refused(vec![batch(4, 0)], "batch 4 where 3 is due");
        refused(vec![batch(3, 0), batch(3, 0)], "batch 3 where 4 is due");
        refused(vec![batch(3, 2), batch(4, 0)], "batch 3 lacks 2 steps");
        refused(vec![batch(3, 0), batch(4, 0), batch(5, 0)], "batch 5 where 5 is due");
        refused(vec![steps(3, 0, &[Kind::Open])], "not due");
        refused(vec![batch(3, 1), steps(3, 1, &[Kind::Open])], "not due");
        refused(vec![batch(3, 1), steps(3, 0, &[Kind::Open, Kind::Close])], "not due");
        refused(vec![Part::Start(RangeStart { first: 3, last: 9, ..RangeStart::default() })], "3 to 9");
        refused(
            vec![Part::Start(RangeStart { first: 3, last: 4, ..RangeStart::default() })],
            "0 public inputs",
        );
    }

    const SETTLES: [Kind; 5] = [Kind::Open, Kind::Settle, Kind::Transfer, Kind::Settle, Kind::Close];

    #[test]
    fn audit_proofs_come_in_order_and_in_pieces() {
        let mut reader = Reader::new(&lease());
        let parts = [
            batch(3, 5),
            steps(3, 0, &SETTLES[..2]),
            steps(3, 2, &SETTLES[2..]),
            piece(3, 0, 0, 3, b"ab"),
            piece(3, 0, 2, 3, b"c"),
            piece(3, 2, 0, 1, b"d"),
            batch(4, 2),
            steps(4, 0, &[Kind::Open, Kind::Close]),
        ];
        for part in parts {
            reader.take(part).expect("in order");
        }
        assert_eq!(reader.audits, [b"abc".to_vec(), b"d".to_vec()]);
        assert!(reader.finish().expect_err("no start").to_string().contains("no start"));
    }

    #[test]
    fn hostile_attachments_are_refused() {
        let settled = |parts: Vec<Part>| [vec![batch(3, 5), steps(3, 0, &SETTLES)], parts].concat();
        refused(settled(vec![batch(4, 0)]), "the Settle at 0 of batch 3 lacks its audit proof");
        refused(settled(vec![piece(3, 0, 0, 1, b"a"), batch(4, 0)]), "the Settle at 2 of batch 3 lacks");
        refused(settled(vec![piece(3, 2, 0, 1, b"a")]), "transaction 2 of batch 3, not due");
        refused(settled(vec![piece(3, 1, 0, 1, b"a")]), "transaction 1 of batch 3, not due");
        refused(settled(vec![piece(4, 0, 0, 1, b"a")]), "transaction 0 of batch 4, not due");
        refused(settled(vec![piece(3, 0, 0, 1, b"a"), piece(3, 0, 0, 1, b"a")]), "not due");
        refused(vec![piece(3, 0, 0, 1, b"a")], "not due");
        refused(vec![batch(3, 2), steps(3, 0, &[Kind::Open]), piece(3, 0, 0, 1, b"a")], "not due");
        refused(vec![batch(3, 1), steps(3, 0, &[Kind::Open]), piece(3, 0, 0, 1, b"a")], "not due");
        // Gaps, overlaps, too much, nothing at all, and promises of gigabytes.
        refused(
            settled(vec![piece(3, 0, 1, 2, b"a")]),
            "1 bytes from 1 on of an attachment of 2, of which 0",
        );
        refused(settled(vec![piece(3, 0, 0, 2, b"a"), piece(3, 0, 0, 2, b"a")]), "of which 1 are here");
        refused(settled(vec![piece(3, 0, 0, 2, b"abc")]), "3 bytes from 0 on of an attachment of 2");
        refused(settled(vec![piece(3, 0, 0, 3, b"ab"), piece(3, 0, 2, 1, b"c")]), "of an attachment of 1");
        refused(settled(vec![piece(3, 0, 0, 0, b"")]), "0 bytes from 0 on");
        refused(settled(vec![piece(3, 0, 0, u32::MAX, b"a")]), "4294967295 bytes, at most");
        refused(settled(vec![piece(3, 0, 0, 2, b"a")]), "lacks its audit proof");
    }
}
