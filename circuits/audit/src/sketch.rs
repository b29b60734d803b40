//! The opening of blocks of rows that were committed to by sketches (commitment scheme 2).
//!
//! A block has B rows of C polynomials of at most 512 cells, x_(b,c), and its leaf holds s = sum a_(bC+c) x_(b,c) in
//! Z_q\[X\] / (X^512 + 1), q = 64513. Over the integers there is one way to write it,
//!
//! ```text
//! sum_(b,c) a_(bC+c) x_(b,c) = s + q k + (X^512 + 1) h          h: degree at most 510; k: 512 *carries*
//! ```
//!
//! and the circuit checks this at r, the subject's challenge, in the quadratic extension:
//!
//! ```text
//! sum_(b,c) active_b a_(bC+c)(r) x_(b,c)(r) = s(r) + q (k(r) - 2^31 (1 + r + .. + r^511)) + (r^512 + 1) h(r)
//! ```
//!
//! with the cells, the numbers of s (two bytes each) and the carries plus 2^31 (four bytes each) in bytes that are range-checked.
//! h is any 511 field elements. Why that is enough:
//!
//! - Both sides are polynomials in r of degree at most 1022. Cells, carries and h are hashed from their very wires into the
//!   running digest that r is made of, and s is under a root of the subject, so all were fixed before r. If the polynomials differ
//!   modulo p, at most 1022 of p^2 values of r hide it.
//! - Equal modulo p, their upper halves say that h is the true one modulo p, and their lower ones that
//!   s_j + q (k_j - 2^31) is y_j, coefficient j of the sum modulo X^512 + 1, modulo p. A block has at most 2^12 polynomials
//!   ([`janction_program::Scheme`]), so |y_j| < 2^12 2^9 2^8 2^16 = 2^45, and the left side is below 2^16 + 2^48 in absolute
//!   value: they are equal as integers, so s is the sketch of the cells. (s need not be below q: a leaf with such a number is
//!   bound to its cells like any other.)
//! - One leaf cannot be opened as two blocks: both would have one sketch modulo q (`docs/security.md`).
//!
//! The values a_i(r) are a fold like that of weights: the bytes of the constants are a matrix with the upper and the lower bytes of
//! each a_i in two rows, folded once for an audit ([`crate::freivalds`]).

use janction_gadgets::{Builder, D, F, sponge};
use janction_program::commitment::sketch::{self, SKETCH_BYTES, polynomials};
use janction_program::commitment::{Scheme, row_digest, row_header};
use janction_program::{Cells, DType, Program, Tensor};
use janction_protocol::Digest;
use janction_protocol::hash::{hash, tag};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::freivalds::{FoldPlan, fold_at_target};
use crate::requantise::element;
use crate::row::{RowShape, RowTargets};
use crate::tags;

/// Coefficients of a ring element.
const DEGREE: usize = janction_accel_cpu::ring::DEGREE;
/// q.
const MODULUS: i64 = janction_accel_cpu::ring::MODULUS as i64;
/// What a carry has added to be no negative number.
const CARRY_OFFSET: i64 = 1 << 31;
/// Bytes of a carry.
const CARRY_BYTES: usize = 4;

/// How the rows of a program are opened under scheme 2.
#[derive(Clone, Debug)]
pub(crate) struct SketchPlan {
    /// log2 of the rows of a block.
    pub block_bits: usize,
    /// Number of the fold of the constants.
    pub fold: usize,
}

impl SketchPlan {
    /// The plan of `program` with the fold of the constants appended to `folds`; `None` under scheme 1.
    pub fn new(
        program: &Program,
        shapes: &[RowShape],
        bits: usize,
        folds: &mut Vec<FoldPlan>,
    ) -> Option<Self> {
        let Scheme::Sketch { block_bits } = program.scheme() else { return None };
        let widest = shapes.iter().map(|shape| polynomials(shape.columns)).max().unwrap_or(1);
        folds.push(FoldPlan::of_bytes(constants(widest << block_bits), bits));
        Some(Self { block_bits: block_bits.into(), fold: folds.len() - 1 })
    }

    /// Rows of a block.
    pub const fn block_rows(&self) -> usize {
        1 << self.block_bits
    }
}

/// The first `count` constants: the upper bytes of a_i in row 2 i, the lower ones in row 2 i + 1.
fn constants(count: usize) -> Tensor {
    let mut bytes = Vec::with_capacity(2 * count * DEGREE);
    // At most 2^12.
    for i in 0..count as u32 {
        let a = sketch::element(i);
        bytes.extend(a.map(|number| (number >> 8) as u8));
        bytes.extend(a.map(|number| number as u8));
    }
    Tensor::new(2 * count, DEGREE, Cells::U8(bytes)).expect("there is a byte for each row and column")
}

/// What the prover adds to a block's cells, natively.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    /// The bytes of s.
    pub sketch: Cells,
    /// The bytes of the carries plus 2^31.
    pub carries: Cells,
    /// h.
    pub high: Vec<F>,
}

impl Opening {
    /// Of these rows, none of them for a block that has none.
    pub fn of(rows: &[&Cells]) -> Self {
        let mut product = vec![0i64; 2 * DEGREE - 1];
        for (b, row) in rows.iter().enumerate() {
            let cells = crate::operation::bytes(row);
            for (c, x) in cells.chunks(DEGREE).enumerate() {
                // At most 2^12.
                let a = sketch::element((b * polynomials(row.len()) + c) as u32).map(i64::from);
                for (j, &cell) in x.iter().enumerate().filter(|(_, cell)| **cell != 0) {
                    for (sum, &a) in product[j..].iter_mut().zip(&a) {
                        *sum += i64::from(cell) * a;
                    }
                }
            }
        }
        let (low, high) = product.split_at(DEGREE);
        let (mut numbers, mut carries) = (Vec::new(), Vec::new());
        for (j, &low) in low.iter().enumerate() {
            let y = low - high.get(j).copied().unwrap_or(0);
            // A residue is below 2^16, and a carry below 2^31 in absolute value.
            numbers.extend((y.rem_euclid(MODULUS) as u16).to_be_bytes());
            carries.extend(((y.div_euclid(MODULUS) + CARRY_OFFSET) as u32).to_be_bytes());
        }
        let high = high.iter().map(|&h| element(h.into())).collect();
        Self { sketch: Cells::U8(numbers), carries: Cells::U8(carries), high }
    }

    /// The digest of what the opening is checked with: rows (in the order of the wires, zero where there is none), carries, h.
    pub fn digest(&self, rows: &[Digest]) -> Digest {
        let mut data: Vec<F> = rows.iter().flat_map(|row| row.0).collect();
        data.extend(janction_program::commitment::pack_row(&self.carries).into_iter().skip(1));
        data.extend(&self.high);
        hash(tags::OPENED, &data)
    }
}

/// The digest of the opening of `rows`, which stand at `wires` of the block's wires, in their order in the block.
pub(crate) fn digest(rows: &[&Cells], wires: &[Option<&Cells>]) -> Digest {
    let digests: Vec<Digest> = wires.iter().map(|row| row.map_or(Digest::ZERO, row_digest)).collect();
    Opening::of(rows).digest(&digests)
}

/// What all openings of a piece have in common.
#[derive(Debug)]
pub(crate) struct Challenge {
    r: ExtensionTarget<D>,
    /// r^512 + 1.
    modulus: ExtensionTarget<D>,
    /// q 2^31 (1 + r + .. + r^511).
    offset: ExtensionTarget<D>,
    /// a_i(r).
    constants: Vec<ExtensionTarget<D>>,
}

impl Challenge {
    /// At r, with the fold of the constants.
    pub fn new(builder: &mut Builder, r: ExtensionTarget<D>, fold: &[ExtensionTarget<D>]) -> Self {
        let power = builder.exp_power_of_2_extension(r, DEGREE.ilog2() as usize);
        let one = builder.one_extension();
        let modulus = builder.add_extension(power, one);
        let offset = builder.constant(element(i128::from(MODULUS * CARRY_OFFSET)));
        let offset = fold_at_target(builder, &[offset; DEGREE], r);
        let byte = F::from_canonical_u64(1 << 8);
        let constants = fold
            .chunks_exact(2)
            .map(|pair| {
                let high = builder.mul_const_extension(byte, pair[0]);
                builder.add_extension(high, pair[1])
            })
            .collect();
        Self { r, modulus, offset, constants }
    }

    /// The constants of the polynomials of row `b` of a block of rows of `columns` cells.
    pub fn of_row(&self, b: usize, columns: usize) -> &[ExtensionTarget<D>] {
        let count = polynomials(columns);
        &self.constants[b * count..(b + 1) * count]
    }
}

/// A row of a block, with what its polynomials are multiplied by and whether the block has it.
pub(crate) struct BlockRow<'a> {
    pub row: &'a RowTargets,
    pub constants: Vec<ExtensionTarget<D>>,
    pub active: BoolTarget,
}

/// What the prover sets for a block, besides its rows and its path.
#[derive(Clone, Debug)]
pub(crate) struct SketchTargets {
    pub sketch: RowTargets,
    pub carries: RowTargets,
    pub high: Vec<Target>,
}

/// What a block is worth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    /// `H(SKETCH, [header, rows of the block] ++ s)`.
    pub leaf: HashOutTarget,
    /// `H(OPENED, digests of the rows ++ carries ++ h)`; to be part of what the challenge is made of.
    pub digest: HashOutTarget,
}

impl SketchTargets {
    /// *Enforced*: the leaf is that of a block of `count` rows whose sketch is that of `rows`, in their order in the block, if the
    /// challenge is random and made of the digest.
    ///
    /// *The caller must ensure*: rows that are not active stand behind those that are (or have constants that say so), `count` is
    /// how many are active, and the digest is among what the challenge is made of.
    pub fn new(
        builder: &mut Builder,
        challenge: &Challenge,
        shape: RowShape,
        rows: &[BlockRow<'_>],
        count: Target,
    ) -> (Self, Opened) {
        let bytes = |columns| RowShape { dtype: DType::U8, columns };
        let sketch = RowTargets::new(builder, bytes(SKETCH_BYTES));
        let carries = RowTargets::new(builder, bytes(CARRY_BYTES * DEGREE));
        let high = builder.add_virtual_targets(DEGREE - 1);

        let mut left = builder.zero_extension();
        for BlockRow { row, constants, active } in rows {
            let mut product = builder.zero_extension();
            for (cells, &constant) in row.cells.chunks(DEGREE).zip(constants) {
                let x = fold_at_target(builder, cells, challenge.r);
                product = builder.mul_add_extension(x, constant, product);
            }
            let product = builder.scalar_mul_ext(active.target, product);
            left = builder.add_extension(left, product);
        }
        let s = number_at(builder, &sketch.cells, SKETCH_BYTES / DEGREE, challenge.r);
        let k = number_at(builder, &carries.cells, CARRY_BYTES, challenge.r);
        let h = fold_at_target(builder, &high, challenge.r);
        let q = F::from_canonical_u64(MODULUS as u64);
        let k = builder.mul_const_extension(q, k);
        let k = builder.sub_extension(k, challenge.offset);
        let right = builder.add_extension(s, k);
        let right = builder.mul_add_extension(challenge.modulus, h, right);
        builder.connect_extension(left, right);

        let mut data = vec![builder.constant(row_header(shape.dtype, shape.columns)), count];
        data.extend(sketch.packed());
        let leaf = sponge::hash(builder, tag::SKETCH, &data);
        let mut data = Vec::new();
        for BlockRow { row, active, .. } in rows {
            let digest = row.digest(builder, shape);
            data.extend(digest.elements.map(|e| builder.mul(e, active.target)));
        }
        data.extend(carries.packed());
        data.extend(&high);
        let digest = sponge::hash(builder, tags::OPENED, &data);
        (Self { sketch, carries, high }, Opened { leaf, digest })
    }

    /// Sets what `opening` says.
    pub fn assign(&self, inputs: &mut PartialWitness<F>, opening: &Opening) -> anyhow::Result<()> {
        self.sketch.assign(inputs, &opening.sketch)?;
        self.carries.assign(inputs, &opening.carries)?;
        inputs.set_target_arr(&self.high, &opening.high)
    }
}

/// `sum_j n_j r^j` for the numbers n_j of `size` bytes each, the highest one first.
fn number_at(
    builder: &mut Builder,
    bytes: &[Target],
    size: usize,
    r: ExtensionTarget<D>,
) -> ExtensionTarget<D> {
    let byte = F::from_canonical_u64(1 << 8);
    (0..size).fold(builder.zero_extension(), |sum, place| {
        let these: Vec<Target> = bytes.iter().skip(place).step_by(size).copied().collect();
        let sum = builder.mul_const_extension(byte, sum);
        let these = fold_at_target(builder, &these, r);
        builder.add_extension(sum, these)
    })
}
