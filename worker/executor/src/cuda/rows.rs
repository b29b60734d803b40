//! Row digests on the GPU (`kernels/rows.cu`).

use janction_program::{DType, commitment::row_header};
use janction_protocol::{Digest, hash::tag};
use plonky2::field::types::PrimeField64;

use super::{Argument, CudaError, Gpu, OnDevice};

/// Threads of a block; a row each.
const THREADS: u32 = 64;

/// The digests of all rows of `tensor`, in order.
pub(super) fn digests<G: Gpu>(gpu: &G, tensor: &OnDevice<G>) -> Result<Vec<Digest>, CudaError> {
    let digests = gpu.zeros(32 * tensor.rows)?;
    let flip = if tensor.dtype == DType::I8 { 0x80 } else { 0 };
    let rows = tensor.rows as u32;
    let arguments = [
        Argument::Buffer(&tensor.buffer),
        Argument::Word(tensor.pitch as u32),
        Argument::Word(tensor.columns as u32),
        Argument::Word(flip),
        Argument::Long(row_header(tensor.dtype, tensor.columns).to_canonical_u64()),
        Argument::Long(tag::ROW),
        Argument::Buffer(&digests),
        Argument::Word(rows),
    ];
    gpu.launch("hash_rows", (rows.div_ceil(THREADS), 1), THREADS, &arguments)?;
    let bytes = gpu.download(&digests)?;
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
    bytes
        .chunks_exact(32)
        .map(|digest| {
            let limbs = std::array::from_fn(|i| word(&digest[8 * i..8 * i + 8]));
            Digest::from_u64s(limbs).map_err(|error| CudaError::Driver {
                action: "hashing rows",
                reason: format!("it gave a digest that is none ({error})"),
            })
        })
        .collect()
}
