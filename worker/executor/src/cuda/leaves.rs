//! Leaves of commitments, made on a stream of their own: which ones a program's scheme wants, and how they come back.

use std::sync::Arc;

use janction_accel_cuda::{Buffer, Device, Event};
use janction_protocol::Digest;

use super::{
    Cuda, CudaError, rows,
    sketch::{self, Multipliers},
    tensor::OnDevice,
};

/// What the leaves of a program's tensors are, with what it takes to make them.
#[derive(Clone)]
pub(super) enum Leaves {
    /// Scheme 1.
    Rows,
    /// Scheme 2.
    Sketches { block_bits: u8, multipliers: Arc<Multipliers> },
}

impl Leaves {
    /// Starts to make those of `tensor`, which is there at `ready`, a moment of its stream.
    pub fn start(&self, cuda: &Cuda, tensor: &OnDevice, ready: &Event) -> Result<Hashed, CudaError> {
        match self {
            Self::Rows => rows::hash(cuda, tensor, ready),
            Self::Sketches { block_bits, multipliers } => {
                sketch::hash(cuda, tensor, ready, *block_bits, multipliers)
            }
        }
    }
}

/// Leaves, when a moment of the hashing stream has come.
pub(super) struct Hashed {
    digests: Buffer<u64>,
    ready: Event,
}

impl Hashed {
    /// The digests that the hashing stream has been asked for.
    pub fn new(cuda: &Cuda, digests: Buffer<u64>) -> Result<Self, CudaError> {
        Ok(Self { digests, ready: cuda.hashing.record()? })
    }

    /// The digests, in the order of the leaves.
    pub fn read(self, on: &Device) -> Result<Vec<Digest>, CudaError> {
        on.borrow(&self.digests, &self.ready)?;
        let words = on.read(self.digests.all())?;
        words
            .chunks_exact(4)
            .map(|limbs| {
                Digest::from_u64s([limbs[0], limbs[1], limbs[2], limbs[3]]).map_err(|error| {
                    CudaError::Driver {
                        action: "hashing leaves",
                        reason: format!("it gave a digest that is none ({error})"),
                    }
                })
            })
            .collect()
    }
}
