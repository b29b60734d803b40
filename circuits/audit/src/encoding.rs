//! Plonky2's encoding of a proof, in its only form: every length follows from the circuit, and every element is below the
//! field's order. What is read is compared with that first, so reading takes no more memory than the bytes are long.

use janction_aggregate::config::{Common, Proof};
use janction_gadgets::{D, F};
use plonky2::field::types::Field64;

use crate::ProofBytesError;

/// Bytes of a digest.
const DIGEST: usize = 32;
/// Bytes of a field element.
const ELEMENT: usize = 8;

/// Bytes of every proof of a circuit.
pub(crate) fn length(common: &Common) -> usize {
    layout(common).iter().map(|part| part.bytes()).sum()
}

/// The proof that stands at `start` of `bytes` and ends with them. Errors count offsets from the first byte.
pub(crate) fn read(common: &Common, bytes: &[u8], start: usize) -> Result<Proof, ProofBytesError> {
    let [expected, got] = [length(common), bytes.len().saturating_sub(start)];
    let other = ProofBytesError::Length { expected, got };
    if expected != got {
        return Err(other);
    }
    check_layout(common, bytes, start)?;
    // The layout holds, so this reads exactly these bytes.
    Proof::from_bytes(bytes[start..].to_vec(), common).map_err(|_| other)
}

/// A stretch of Plonky2's encoding of a proof.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// Field elements.
    Elements(usize),
    /// One byte that counts the nodes of a Merkle path, then these.
    Path(usize),
    /// Eight bytes that count the public inputs, then these.
    Inputs(usize),
}

impl Part {
    const fn bytes(self) -> usize {
        match self {
            Self::Elements(count) => ELEMENT * count,
            Self::Path(nodes) => 1 + DIGEST * nodes,
            Self::Inputs(count) => ELEMENT + ELEMENT * count,
        }
    }
}

/// Plonky2's encoding of a proof of this shape.
fn layout(common: &Common) -> Vec<Part> {
    let (config, fri) = (&common.config, &common.fri_params);
    let (cap_height, challenges) = (config.fri_config.cap_height, config.num_challenges);
    let cap = (DIGEST / ELEMENT) << cap_height;
    // Constants and permutation, wires, permutation argument and lookups, quotient.
    let oracles = [
        common.num_constants + config.num_routed_wires,
        config.num_wires,
        challenges * (1 + common.num_partial_products + common.num_lookup_polys),
        challenges * common.quotient_degree_factor,
    ];
    // The permutation argument and the lookups are opened at the next point, too.
    let again = challenges * (1 + common.num_lookup_polys);
    let mut parts = vec![
        Part::Elements(3 * cap),
        Part::Elements(D * (oracles.iter().sum::<usize>() + again)),
        Part::Elements(fri.reduction_arity_bits.len() * cap),
    ];
    for _ in 0..config.fri_config.num_query_rounds {
        let mut bits = fri.lde_bits();
        for width in oracles {
            parts.extend([Part::Elements(width), Part::Path(bits - cap_height)]);
        }
        for arity in &fri.reduction_arity_bits {
            bits -= arity;
            parts.extend([Part::Elements(D << arity), Part::Path(bits - cap_height)]);
        }
    }
    parts.extend([Part::Elements(D * fri.final_poly_len() + 1), Part::Inputs(common.num_public_inputs)]);
    parts
}

/// Checks counts and elements of the proof that stands at `start`; the length is right.
fn check_layout(common: &Common, bytes: &[u8], start: usize) -> Result<(), ProofBytesError> {
    let mut offset = start;
    let count = |offset, expected: usize, got| {
        let expected = expected as u64;
        if expected == got { Ok(()) } else { Err(ProofBytesError::Count { offset, expected, got }) }
    };
    let word = |offset: usize| {
        bytes[offset..offset + ELEMENT].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
    };
    for part in layout(common) {
        let end = offset + part.bytes();
        match part {
            Part::Elements(_) => {}
            Part::Path(nodes) => {
                count(offset, nodes, bytes[offset].into())?;
                offset += 1;
            }
            Part::Inputs(inputs) => {
                count(offset, inputs, word(offset))?;
                offset += ELEMENT;
            }
        }
        if let Some(offset) = (offset..end).step_by(ELEMENT).find(|&offset| word(offset) >= F::ORDER) {
            return Err(ProofBytesError::Element { offset });
        }
        offset = end;
    }
    Ok(())
}
