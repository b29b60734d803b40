//! Commitments on the CPU: digests of rows or sketches of blocks, and nodes of their trees, as many side by side as there are
//! lanes, on all cores. `janction_program::commitment` is the definition.

use janction_accel_cpu::{Backend, F, Kernel, Lanes, poseidon::permute_lanes};
use janction_program::{
    Cells, Program, Tensor,
    commitment::{CELLS_PER_ELEMENT, RowTree, Scheme, TreeError, row_digest, row_header, sketch},
};
use janction_protocol::{
    Digest,
    hash::{RATE, WIDTH, node, tag},
};
use janction_trace::{CommittedTensor, TraceError};
use rayon::prelude::*;

use super::bytes::{SIGN, bytes};

/// With fewer hashes than this it is quicker to make them one by one than in lanes.
const FEW: usize = 3;
/// Permutations of a task, in lanes: enough to forget the cost of a task.
const TASK: usize = 32;

/// Digests of rows that lie one after the other.
struct HashRows<'a> {
    rows: &'a [u8],
    columns: usize,
    header: F,
    /// What is exclusively or'ed to each byte of an element.
    flip: u64,
    digests: &'a mut [Digest],
}

/// Element `index` of a row's cells: seven of them, big-endian, zeros behind the last cell.
#[inline(always)]
fn element(row: &[u8], index: usize, flip: u64) -> u64 {
    let cells = &row[CELLS_PER_ELEMENT * index..];
    if let Some(word) = cells.first_chunk::<8>() {
        return (u64::from_be_bytes(*word) ^ flip) >> 8;
    }
    let mut word = [0; 8];
    let count = cells.len().min(CELLS_PER_ELEMENT);
    for (byte, cell) in word.iter_mut().zip(&cells[..count]) {
        *byte = cell ^ flip as u8;
    }
    u64::from_be_bytes(word) >> 8
}

/// Lanes 0 to 3 of the states as digests.
#[inline(always)]
fn squeeze<L: Lanes>(state: &[L; WIDTH], digests: &mut [Digest]) {
    for (k, vector) in state.iter().enumerate().take(4) {
        let elements = vector.canonical().to_array();
        for (digest, element) in digests.iter_mut().zip(elements) {
            digest.0[k] = F(element);
        }
    }
}

impl Kernel for HashRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { rows, columns, header, flip, digests } = self;
        let elements = 1 + columns.div_ceil(CELLS_PER_ELEMENT);
        for (rows, digests) in rows.chunks(L::WIDTH * columns).zip(digests.chunks_mut(L::WIDTH)) {
            let count = digests.len();
            let mut state = [L::splat(0); WIDTH];
            state[RATE] = L::splat(tag::ROW);
            state[RATE + 1] = L::splat(elements as u64);
            for first in (0..elements).step_by(RATE) {
                for (k, slot) in state.iter_mut().enumerate().take(RATE) {
                    let index = first + k;
                    *slot = if index == 0 {
                        L::splat(header.0)
                    } else if index < elements {
                        // What lanes without a row hold is not read.
                        L::from_fn(|i| {
                            let row = i.min(count - 1) * columns;
                            element(&rows[row..row + columns], index - 1, flip)
                        })
                    } else {
                        L::splat(0)
                    };
                }
                permute_lanes(&mut state);
            }
            squeeze(&state, digests);
        }
    }
}

/// Parents of neighbours.
struct HashNodes<'a> {
    /// Two for each parent.
    children: &'a [Digest],
    parents: &'a mut [Digest],
}

impl Kernel for HashNodes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let groups = self.children.chunks(2 * L::WIDTH).zip(self.parents.chunks_mut(L::WIDTH));
        for (children, parents) in groups {
            let count = parents.len();
            let mut state = [L::splat(0); WIDTH];
            for (k, slot) in state.iter_mut().enumerate().take(RATE) {
                *slot = L::from_fn(|i| children[2 * i.min(count - 1) + k / 4].0[k % 4].0);
            }
            state[RATE] = L::splat(tag::NODE_ROW);
            permute_lanes(&mut state);
            squeeze(&state, parents);
        }
    }
}

/// Digests of all rows of `tensor`, in order: those of `janction_program::commitment::row_digests`.
fn row_digests(backend: Backend, tensor: &Tensor) -> Vec<Digest> {
    let (rows, columns) = (tensor.rows(), tensor.columns());
    let flip = match tensor.cells() {
        Cells::I8(_) => u64::from_ne_bytes([SIGN; 8]),
        Cells::U8(_) => 0,
        Cells::I32(_) => return janction_program::commitment::row_digests(tensor),
    };
    if rows <= FEW {
        return (0..rows).into_par_iter().map(|row| row_digest(&tensor.row(row))).collect();
    }
    let mut digests = vec![Digest::ZERO; rows];
    let header = row_header(tensor.dtype(), columns);
    let permutations = (1 + columns.div_ceil(CELLS_PER_ELEMENT)).div_ceil(RATE);
    let share = TASK.div_ceil(permutations) * backend.width();
    let parts = digests.par_chunks_mut(share).zip(bytes(tensor.cells()).par_chunks(share * columns));
    parts.for_each(|(digests, rows)| backend.run(HashRows { rows, columns, header, flip, digests }));
    digests
}

/// The level of a row tree above `children`; `blank` stands where there is none.
fn parents(backend: Backend, children: &[Digest], blank: Digest) -> Vec<Digest> {
    let pairs = children.len() / 2;
    let mut parents = vec![Digest::ZERO; children.len().div_ceil(2)];
    let one = |pair: &[Digest]| node(tag::NODE_ROW, pair[0], pair.get(1).copied().unwrap_or(blank));
    if pairs > FEW {
        let share = TASK * backend.width();
        let parts = parents[..pairs].par_chunks_mut(share).zip(children.par_chunks(2 * share));
        parts.for_each(|(parents, children)| backend.run(HashNodes { children, parents }));
    } else {
        for (parent, pair) in parents.iter_mut().zip(children.chunks_exact(2)) {
            *parent = one(pair);
        }
    }
    if let ([.., last], [alone]) = (&mut parents[..], children.chunks_exact(2).remainder()) {
        *last = one(&[*alone]);
    }
    parents
}

/// Hashes of inputs of one length.
struct HashAll<'a> {
    tag: u64,
    inputs: &'a [Vec<F>],
    digests: &'a mut [Digest],
}

impl Kernel for HashAll<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let elements = self.inputs.first().map_or(0, Vec::len);
        for (inputs, digests) in self.inputs.chunks(L::WIDTH).zip(self.digests.chunks_mut(L::WIDTH)) {
            let mut state = [L::splat(0); WIDTH];
            state[RATE] = L::splat(self.tag);
            state[RATE + 1] = L::splat(elements as u64);
            for first in (0..elements).step_by(RATE) {
                for (k, slot) in state.iter_mut().enumerate().take(RATE) {
                    // What lanes without an input hold is not read; an input ends in zeros.
                    let element = |input: &Vec<F>| input.get(first + k).map_or(0, |element| element.0);
                    *slot = L::from_fn(|i| inputs.get(i).map_or(0, element));
                }
                permute_lanes(&mut state);
            }
            squeeze(&state, digests);
        }
    }
}

/// Leaves of blocks of `block_rows` rows: those of `janction_program::commitment::sketch::leaves`.
fn sketch_leaves(backend: Backend, tensor: &Tensor, block_rows: usize) -> Vec<Digest> {
    let mut leaves = vec![Digest::ZERO; tensor.rows().div_ceil(block_rows)];
    let parts = leaves.par_chunks_mut(sketch::TOGETHER).enumerate();
    parts.for_each(|(part, leaves)| {
        let first = part * sketch::TOGETHER;
        let inputs = sketch::packed(backend, tensor, block_rows, first, leaves.len());
        backend.run(HashAll { tag: tag::SKETCH, inputs: &inputs, digests: leaves });
    });
    leaves
}

/// Commits to an activation of `program` whose leaves were made elsewhere.
///
/// # Errors
/// When there is not one leaf for each row or block, or the rows do not fit a job.
pub(crate) fn with_leaves(
    backend: Backend,
    program: &Program,
    tensor: Tensor,
    leaves: Vec<Digest>,
) -> Result<CommittedTensor, TraceError> {
    CommittedTensor::with_tree(program, tensor, tree_over(backend, leaves, program.tree_depth())?)
}

fn tree_over(backend: Backend, leaves: Vec<Digest>, depth: u8) -> Result<RowTree, TreeError> {
    RowTree::with_parents(leaves, depth, |children, blank| parents(backend, children, blank))
}

/// The tree over a tensor's leaves.
fn tree(backend: Backend, scheme: Scheme, tensor: &Tensor, depth: u8) -> Result<RowTree, TreeError> {
    let leaves = match scheme {
        Scheme::Rows => row_digests(backend, tensor),
        Scheme::Sketch { .. } => sketch_leaves(backend, tensor, scheme.block_rows()),
    };
    tree_over(backend, leaves, depth)
}

/// Commits to an activation of `program`.
///
/// # Errors
/// When it is none: of too many rows, or of no 8-bit cells.
pub(crate) fn commit(
    backend: Backend,
    program: &Program,
    tensor: Tensor,
) -> Result<CommittedTensor, TraceError> {
    if !tensor.dtype().is_byte() {
        return Err(TreeError::Type { dtype: tensor.dtype() }.into());
    }
    let tree = tree(backend, program.scheme(), &tensor, program.tree_depth())?;
    CommittedTensor::with_tree(program, tensor, tree)
}

#[cfg(test)]
mod tests {
    use janction_program::{DType, test_utils::Random};
    use proptest::prelude::*;

    use super::*;

    fn expected(scheme: Scheme, tensor: &Tensor, depth: u8) -> RowTree {
        RowTree::new(scheme.leaves(tensor), depth).unwrap()
    }

    proptest! {
        #[test]
        fn trees_are_those_of_the_definition(
            rows in 1usize..70,
            columns in 1usize..200,
            more in 0u8..5,
            signed: bool,
            block_bits in 0u8..4,
            seed: u64,
        ) {
            let dtype = if signed { DType::I8 } else { DType::U8 };
            let tensor = Random::new(seed).tensor(dtype, rows, columns);
            let depth = janction_program::commitment::depth_for(rows) + more;
            for scheme in [Scheme::Rows, Scheme::Sketch { block_bits }] {
                let expected = expected(scheme, &tensor, depth);
                for backend in Backend::available() {
                    let got = tree(backend, scheme, &tensor, depth).unwrap();
                    prop_assert_eq!(&got, &expected, "{}, scheme {}", backend, scheme);
                }
            }
        }
    }

    /// Rows at the ends of elements and of blocks of the sponge, and more rows than a task takes.
    #[test]
    fn ends_of_elements_and_tasks() {
        for (rows, columns) in [(9, 6), (9, 7), (9, 8), (9, 48), (9, 49), (9, 50), (9, 56), (1000, 9), (4, 1)]
        {
            let tensor = Random::new(7).tensor(DType::I8, rows, columns);
            for scheme in [Scheme::Rows, Scheme::Sketch { block_bits: 1 }] {
                let expected = expected(scheme, &tensor, 12);
                for backend in Backend::available() {
                    let got = tree(backend, scheme, &tensor, 12).unwrap();
                    assert_eq!(got, expected, "{rows}x{columns}, {backend}, scheme {scheme}");
                }
            }
        }
    }

    #[test]
    fn rows_that_do_not_fit_are_an_error() {
        let tensor = Random::new(7).tensor(DType::I8, 5, 2);
        assert!(tree(Backend::PORTABLE, Scheme::Rows, &tensor, 2).is_err());
        assert!(tree(Backend::PORTABLE, Scheme::Sketch { block_bits: 1 }, &tensor, 1).is_err());
    }
}
