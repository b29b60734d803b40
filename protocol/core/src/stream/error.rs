//! Why bytes are no stream, or values do not fit one.

use super::Kind;

/// What is wrong with a stream or a transaction's blocks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// Not whole blocks, or not as many as the header says.
    #[error("the stream has {got} bytes where its header and block size ask for {expected}; fetch it again")]
    Length {
        /// What the header says, or the next multiple of 56.
        expected: u64,
        /// What was given.
        got: u64,
    },
    /// The first block is no header of this version.
    #[error(
        "limb 0 of the header is {limb:#016x}: not an Open block of version 1; use the software of its version"
    )]
    Version {
        /// Limb 0.
        limb: u64,
    },
    /// The tag byte names no transaction.
    #[error("block {block} begins with {tag:#04x}, which names no transaction")]
    Tag {
        /// Index of the block in what was decoded.
        block: usize,
        /// The tag byte.
        tag: u8,
    },
    /// A transaction needs more blocks, or a later block lacks the tag byte 0xff.
    #[error("{kind:?} at block {block} lacks a continuation block (0xff and zeros)")]
    Continuation {
        /// The transaction.
        kind: Kind,
        /// Its first block.
        block: usize,
    },
    /// A kind where it may not stand.
    #[error("{kind:?} at block {block} stands outside its section of the stream")]
    Section {
        /// The transaction.
        kind: Kind,
        /// Its first block.
        block: usize,
    },
    /// Bits that the layout leaves unused are set, or a field is out of bounds.
    #[error("{kind:?}: padding is set or a field is out of bounds; encode it with this library")]
    NonCanonical {
        /// The transaction.
        kind: Kind,
    },
    /// A value does not fit its field.
    #[error("{field} is {value}, which does not fit its {bits} bits")]
    TooWide {
        /// The field's name.
        field: &'static str,
        /// What it was.
        value: u64,
        /// What it may have.
        bits: u32,
    },
    /// The header counts other events than the stream holds.
    #[error("the header counts {expected} events, the stream holds {got}")]
    Events {
        /// In the header.
        expected: u64,
        /// In the stream.
        got: u64,
    },
}
