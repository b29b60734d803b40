//! Row digests on the GPU (`kernels/rows.cu`), on a stream of their own.

use janction_accel_cuda::{Argument, Buffer, Device, Event, Grid};
use janction_program::commitment::row_header;
use janction_protocol::{Digest, hash::tag};
use plonky2::field::types::PrimeField64;

use super::{
    Cuda, CudaError,
    tensor::{OnDevice, flip},
};

/// Threads of a block; a row each.
const THREADS: u32 = 64;

/// The digests of a tensor's rows, when a moment of the hashing stream has come.
pub(super) struct Hashed {
    digests: Buffer<u64>,
    ready: Event,
}

/// Starts to hash all rows of `tensor`, which is there at `ready`, a moment of its stream.
pub(super) fn hash(cuda: &Cuda, tensor: &OnDevice, ready: &Event) -> Result<Hashed, CudaError> {
    cuda.hashing.borrow(&tensor.buffer, ready)?;
    let digests = cuda.hashing.allocate::<u64>(4 * tensor.rows)?;
    let arguments = [
        (&tensor.buffer).into(),
        Argument::Word(tensor.pitch as u32),
        Argument::Word(tensor.columns as u32),
        Argument::Word(flip(tensor.dtype)),
        Argument::Long(row_header(tensor.dtype, tensor.columns).to_canonical_u64()),
        Argument::Long(tag::ROW),
        (&digests).into(),
        Argument::Word(tensor.rows as u32),
    ];
    cuda.launch_on(&cuda.hashing, "hash_rows", Grid::over(tensor.rows, THREADS)?, &arguments)?;
    let ready = cuda.hashing.record()?;
    Ok(Hashed { digests, ready })
}

impl Hashed {
    /// The digests, in the order of the rows.
    pub fn read(self, on: &Device) -> Result<Vec<Digest>, CudaError> {
        on.borrow(&self.digests, &self.ready)?;
        let words = on.read(self.digests.all())?;
        words
            .chunks_exact(4)
            .map(|limbs| {
                Digest::from_u64s([limbs[0], limbs[1], limbs[2], limbs[3]]).map_err(|error| {
                    CudaError::Driver {
                        action: "hashing rows",
                        reason: format!("it gave a digest that is none ({error})"),
                    }
                })
            })
            .collect()
    }
}
