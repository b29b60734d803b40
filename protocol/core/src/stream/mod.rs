//! A batch as bytes: limbs of 7 bytes, blocks of 8 limbs, header, L2 transactions, tail; `docs/protocol.md` section 3.

mod batch;
mod block;
mod error;
mod header;
mod kind;
mod raw;

pub use batch::{Batch, decode, encode};
pub use block::{BLOCK_BYTES, BLOCK_LIMBS, Block, CONTINUATION, LIMB_BITS, LIMB_BYTES};
pub use error::StreamError;
pub use header::{Header, VERSION};
pub use kind::{Kind, MAX_BLOCKS, Section, Signer};
pub use raw::Raw;
pub(crate) use raw::{fits, halves, join, upper_lower};
