//! Leaves of scheme 1, the digests of rows, on the GPU (`kernels/rows.cu`).

use janction_accel_cuda::{Argument, Event, Grid};
use janction_program::commitment::row_header;
use janction_protocol::hash::tag;
use plonky2::field::types::PrimeField64;

use super::{
    Cuda, CudaError,
    leaves::Hashed,
    tensor::{OnDevice, flip},
};

/// Threads of a block; a row each.
const THREADS: u32 = 64;

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
    Hashed::new(cuda, digests)
}
