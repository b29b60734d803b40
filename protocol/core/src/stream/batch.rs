//! A whole stream: header, L2 transactions, tail.

use super::{BLOCK_BYTES, Block, Header, Section, StreamError};
use crate::transaction::Transaction;

/// A decoded stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The header.
    pub header: Header,
    /// Every transaction in order: the L2 part, L1 operations, beacon records.
    pub transactions: Vec<Transaction>,
}

/// The bytes of a batch: the committer's part (header and L2 transactions) and the tail that the contract appends.
///
/// # Errors
/// A field that does not fit, or a header whose counts are not those of `transactions`.
pub fn encode(batch: &Batch) -> Result<(Vec<u8>, Vec<u8>), StreamError> {
    let mut blocks = vec![batch.header.encode()?];
    for transaction in &batch.transactions {
        blocks.extend(transaction.blocks()?);
    }
    check_counts(&batch.header, &batch.transactions, blocks.len())?;
    let bytes: Vec<u8> = blocks.iter().flat_map(Block::to_bytes).collect();
    let (l2, tail) = bytes.split_at(batch.header.l2_end() as usize * BLOCK_BYTES);
    Ok((l2.to_vec(), tail.to_vec()))
}

/// Reads a whole stream, tail included. Accepts exactly the byte strings that [`encode`] writes.
///
/// # Errors
/// [`StreamError`] for anything else.
pub fn decode(stream: &[u8]) -> Result<Batch, StreamError> {
    let got = stream.len() as u64;
    let (chunks, rest) = stream.as_chunks::<BLOCK_BYTES>();
    if chunks.is_empty() || !rest.is_empty() {
        let expected = got.next_multiple_of(BLOCK_BYTES as u64).max(BLOCK_BYTES as u64);
        return Err(StreamError::Length { expected, got });
    }
    let blocks: Vec<Block> = chunks.iter().map(Block::from_bytes).collect();
    let header = Header::decode(&blocks[0])?;
    if header.byte_len() != got {
        return Err(StreamError::Length { expected: header.byte_len(), got });
    }
    let mut transactions = Vec::new();
    let mut position = 1;
    while position < blocks.len() {
        let transaction = Transaction::decode(&blocks[position..], position)?;
        position += transaction.kind().blocks();
        transactions.push(transaction);
    }
    check_counts(&header, &transactions, blocks.len())?;
    Ok(Batch { header, transactions })
}

/// Each transaction stands in its section; the number of events is the header's.
fn check_counts(header: &Header, transactions: &[Transaction], blocks: usize) -> Result<(), StreamError> {
    let mut position = 1;
    let mut events = 0;
    for transaction in transactions {
        let kind = transaction.kind();
        let end = position + kind.blocks() as u64;
        let inside = match kind.section() {
            Section::Frame => false,
            Section::L2 => end <= header.l2_end(),
            Section::L1 => position >= header.l2_end() && end <= header.l1_end(),
            Section::Beacon => position >= header.l1_end() && end <= header.end(),
        };
        if !inside {
            return Err(StreamError::Section { kind, block: position as usize });
        }
        events += u64::from(kind.is_event());
        position = end;
    }
    if position != header.end() {
        let [expected, got] = [header.end(), blocks as u64].map(|b| b * BLOCK_BYTES as u64);
        return Err(StreamError::Length { expected, got });
    }
    if events != u64::from(header.events) {
        return Err(StreamError::Events { expected: header.events.into(), got: events });
    }
    Ok(())
}
