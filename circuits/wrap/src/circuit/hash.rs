//! Poseidon2 in halo2: a vertical gate of degree 4, with 166 cells to a permutation.
//!
//! A slot of 166 rows holds one permutation in each hash column; all columns share the selectors.
//!
//! | rows of the slot | cells |
//! |---|---|
//! | 0, 2, 4 | outputs of the *previous* slot |
//! | 1, 3, 5 | inputs |
//! | 6 + 6r + 2i, next | S-box input u_i of full round r < 4 and its square |
//! | 30 + 2r, next | S-box input x_r of partial round r and its square |
//! | 142 + 6r + 2i, next | S-box input u_i of full round 4 + r and its square |
//!
//! S-box inputs already contain the round constant. Writing y = x·(x²)² for the S-box:
//!
//! * *full*: u'_i = Σ_j E_ij y_j + c'_i, E = circ(2, 1, 1).
//! * *partial*: the other two elements of the state never pass an S-box and are linear in what came before. With
//!   I = 1 + diag(1, 1, 2) restricted to them, A = ((2, 1), (1, 3)), the Cayley-Hamilton relation A² = 5A - 5
//!   removes them: x_(r+3) = 5x_(r+2) - 5x_(r+1) + 2y_(r+2) - 8y_(r+1) + 7y_r + k_r, where
//!   k_r = c_(r+3) - 5c_(r+2) + 5c_(r+1).
//! * *entry* and *exit* tie the first three and the last three partial rounds to the full rounds around them.

use halo2_base::halo2_proofs::circuit::{Region, Value};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::{
    Advice, Column as Halo2Column, ConstraintSystem, Expression, Fixed, Selector, VirtualCells,
};
use halo2_base::halo2_proofs::poly::Rotation;
use std::sync::LazyLock;

use super::bound::U256;
use super::tape::{Cell, Column, Input, Location, Tape};
use crate::poseidon2::{FULL_ROUNDS, PARTIAL_ROUNDS, WIDTH, round_constants};

/// Rows of a slot.
pub const SLOT_ROWS: usize = 166;
/// Hash columns.
pub const HASH_COLUMNS: usize = 2;
const HALF: usize = FULL_ROUNDS / 2;
const FIRST_FULL: usize = 6;
const PARTIAL: usize = FIRST_FULL + 6 * HALF;
const SECOND_FULL: usize = PARTIAL + 2 * PARTIAL_ROUNDS;
/// The external matrix circ(2, 1, 1).
const EXTERNAL: [[u64; WIDTH]; WIDTH] = [[2, 1, 1], [1, 2, 1], [1, 1, 2]];

struct Constants {
    full: [[Fr; WIDTH]; FULL_ROUNDS],
    partial: [Fr; PARTIAL_ROUNDS],
}

static CONSTANTS: LazyLock<Constants> = LazyLock::new(|| {
    let convert = |c: &ark_bn254::Fr| U256(ark_ff::PrimeField::into_bigint(*c).0).to_fr();
    let native = round_constants();
    Constants {
        full: native.full.each_ref().map(|round| round.each_ref().map(convert)),
        partial: native.partial.each_ref().map(convert),
    }
});

fn fifth(x: Fr) -> Fr {
    x.square().square() * x
}

/// All cells of a permutation in slot order, inputs first (rows 1, 3, 5), and the three outputs.
fn trace(input: [Fr; WIDTH]) -> (Vec<(usize, Fr)>, [Fr; WIDTH]) {
    let constants = &*CONSTANTS;
    let external = |s: [Fr; WIDTH]| {
        let sum = s[0] + s[1] + s[2];
        s.map(|x| x + sum)
    };
    let mut cells = Vec::with_capacity(SLOT_ROWS - WIDTH);
    cells.extend(input.iter().enumerate().map(|(i, &x)| (2 * i + 1, x)));
    let mut state = external(input);
    let full = |state: &mut [Fr; WIDTH], round: usize, row: usize, cells: &mut Vec<(usize, Fr)>| {
        for (i, (element, constant)) in state.iter_mut().zip(constants.full[round]).enumerate() {
            let x = *element + constant;
            cells.push((row + 2 * i, x));
            cells.push((row + 2 * i + 1, x.square()));
            *element = fifth(x);
        }
        *state = external(*state);
    };
    for round in 0..HALF {
        full(&mut state, round, FIRST_FULL + 6 * round, &mut cells);
    }
    for (round, constant) in constants.partial.iter().enumerate() {
        let x = state[0] + constant;
        cells.push((PARTIAL + 2 * round, x));
        cells.push((PARTIAL + 2 * round + 1, x.square()));
        state[0] = fifth(x);
        let sum = state[0] + state[1] + state[2];
        state = [state[0] + sum, state[1] + sum, state[2].double() + sum];
    }
    for round in 0..HALF {
        full(&mut state, HALF + round, SECOND_FULL + 6 * round, &mut cells);
    }
    (cells, state)
}

/// The permutation on halo2's field.
pub fn permute(input: [Fr; WIDTH]) -> [Fr; WIDTH] {
    trace(input).1
}

/// Columns and selectors of the Poseidon2 gate.
#[derive(Clone, Debug)]
pub struct HashConfig {
    /// The permutations.
    pub columns: [Halo2Column<Advice>; HASH_COLUMNS],
    constants: Halo2Column<Fixed>,
    initial: Selector,
    full: Selector,
    entry: Selector,
    partial: Selector,
    exit: Selector,
}

/// Expressions of one hash column relative to the row of a gate.
struct View<'a, 'b> {
    meta: &'a mut VirtualCells<'b, Fr>,
    column: Halo2Column<Advice>,
    constants: Halo2Column<Fixed>,
}

impl View<'_, '_> {
    fn cell(&mut self, row: usize) -> Expression<Fr> {
        self.meta.query_advice(self.column, Rotation(row as i32))
    }

    fn constant(&mut self, row: usize) -> Expression<Fr> {
        self.meta.query_fixed(self.constants, Rotation(row as i32))
    }

    /// x^5 of the S-box whose input is at this row, from the input and its square.
    fn fifth(&mut self, row: usize) -> Expression<Fr> {
        let (x, square) = (self.cell(row), self.cell(row + 1));
        x * square.clone() * square
    }

    /// square - x², which must vanish.
    fn square_is_right(&mut self, row: usize) -> Expression<Fr> {
        let (x, square) = (self.cell(row), self.cell(row + 1));
        square - x.clone() * x
    }

    /// External layer of three expressions.
    fn external(elements: &[Expression<Fr>; WIDTH]) -> [Expression<Fr>; WIDTH] {
        EXTERNAL.map(|row| linear(&row.map(|c| c as i64), elements))
    }
}

fn small(c: i64) -> Fr {
    let magnitude = Fr::from(c.unsigned_abs());
    if c < 0 { -magnitude } else { magnitude }
}

fn linear(coefficients: &[i64], terms: &[Expression<Fr>]) -> Expression<Fr> {
    let zero = Expression::Constant(Fr::ZERO);
    coefficients.iter().zip(terms).fold(zero, |acc, (&c, term)| acc + term.clone() * small(c))
}

impl HashConfig {
    /// Adds columns, selectors and gates.
    pub fn configure(meta: &mut ConstraintSystem<Fr>) -> Self {
        let config = Self {
            columns: std::array::from_fn(|_| meta.advice_column()),
            constants: meta.fixed_column(),
            initial: meta.selector(),
            full: meta.selector(),
            entry: meta.selector(),
            partial: meta.selector(),
            exit: meta.selector(),
        };
        for column in config.columns {
            meta.enable_equality(column);
            config.gate(meta, column, config.initial, initial_constraints);
            config.gate(meta, column, config.full, full_constraints);
            config.gate(meta, column, config.entry, entry_constraints);
            config.gate(meta, column, config.partial, partial_constraints);
            config.gate(meta, column, config.exit, exit_constraints);
        }
        config
    }

    fn gate(
        &self,
        meta: &mut ConstraintSystem<Fr>,
        column: Halo2Column<Advice>,
        selector: Selector,
        constraints: fn(&mut View<'_, '_>) -> Vec<Expression<Fr>>,
    ) {
        meta.create_gate("Poseidon2", |meta| {
            let q = meta.query_selector(selector);
            let mut view = View { meta, column, constants: self.constants };
            constraints(&mut view).into_iter().map(|c| q.clone() * c).collect::<Vec<_>>()
        });
    }

    /// Rows that a number of permutations takes.
    pub fn rows(permutations: usize) -> usize {
        // The outputs of the last slot lie in the first five rows of the next.
        permutations.div_ceil(HASH_COLUMNS) * SLOT_ROWS + 5
    }

    /// Assigns the witness; returns nothing, because every cell's place is known beforehand.
    pub fn assign_witness(&self, region: &mut Region<'_, Fr>, tape: &Tape) {
        use rayon::prelude::*;
        let traces: Vec<_> = tape.permutations.par_iter().map(|&input| trace(input)).collect();
        for (index, (cells, outputs)) in traces.iter().enumerate() {
            let column = self.columns[index % HASH_COLUMNS];
            let base = index / HASH_COLUMNS * SLOT_ROWS;
            let outputs = outputs.iter().enumerate().map(|(i, &x)| (SLOT_ROWS + 2 * i, x));
            for (row, value) in cells.iter().copied().chain(outputs) {
                region.assign_advice(column, base + row, Value::known(value));
            }
        }
        // A slot in use is constrained in every column: fill the rest with permutations of zero.
        for index in tape.permutations.len()..tape.permutations.len().next_multiple_of(HASH_COLUMNS) {
            let (cells, outputs) = trace([Fr::ZERO; WIDTH]);
            let base = index / HASH_COLUMNS * SLOT_ROWS;
            let outputs = outputs.iter().enumerate().map(|(i, &x)| (SLOT_ROWS + 2 * i, x));
            for (row, value) in cells.into_iter().chain(outputs) {
                region.assign_advice(self.columns[index % HASH_COLUMNS], base + row, Value::known(value));
            }
        }
        #[cfg(test)]
        self.assign_fault(region, tape);
    }

    /// Adds one to a cell.
    #[cfg(test)]
    fn assign_fault(&self, region: &mut Region<'_, Fr>, tape: &Tape) {
        if let Some(fault) = tape.hash_fault {
            let (cells, outputs) = trace(tape.permutations[0]);
            let outputs = outputs.into_iter().enumerate().map(|(i, x)| (SLOT_ROWS + 2 * i, x));
            let (row, value) =
                cells.into_iter().chain(outputs).find(|&(row, _)| row == fault).expect("a used row");
            region.assign_advice(self.columns[0], row, Value::known(value + Fr::ONE));
        }
    }

    /// Enables selectors and fills round constants for all slots in use.
    pub fn assign_layout(&self, region: &mut Region<'_, Fr>, tape: &Tape) {
        let constants = &*CONSTANTS;
        for slot in 0..tape.permutations.len().div_ceil(HASH_COLUMNS) {
            let base = slot * SLOT_ROWS;
            let mut enable = |selector: &Selector, row: usize, values: [Fr; WIDTH]| {
                selector.enable(region, base + row).expect("selectors are enabled inside the region");
                for (i, value) in values.into_iter().enumerate() {
                    region.assign_fixed(self.constants, base + row + i, value);
                }
            };
            enable(&self.initial, 0, constants.full[0]);
            for round in 0..HALF - 1 {
                enable(&self.full, FIRST_FULL + 6 * round, constants.full[round + 1]);
            }
            let c = &constants.partial;
            enable(&self.entry, FIRST_FULL + 6 * (HALF - 1), [c[0], c[1], c[2]]);
            // One constant a round here, so that constants of consecutive rounds, two rows apart, do not meet.
            for round in 0..PARTIAL_ROUNDS - 3 {
                let row = base + PARTIAL + 2 * round;
                self.partial.enable(region, row).expect("selectors are enabled inside the region");
                let k = c[round + 3] - small(5) * (c[round + 2] - c[round + 1]);
                region.assign_fixed(self.constants, row, k);
            }
            let (p54, p55) = (c[PARTIAL_ROUNDS - 2], c[PARTIAL_ROUNDS - 1]);
            let exit = exit_constants(p54, p55, constants.full[HALF]);
            let row = base + PARTIAL + 2 * (PARTIAL_ROUNDS - 3);
            self.exit.enable(region, row).expect("selectors are enabled inside the region");
            for (i, value) in exit.into_iter().enumerate() {
                region.assign_fixed(self.constants, row + i, value);
            }
            for round in 0..HALF {
                let next = constants.full.get(HALF + round + 1).copied().unwrap_or([Fr::ZERO; WIDTH]);
                let row = base + SECOND_FULL + 6 * round;
                self.full.enable(region, row).expect("selectors are enabled inside the region");
                for (i, value) in next.into_iter().enumerate() {
                    region.assign_fixed(self.constants, row + i, value);
                }
            }
        }
    }
}

fn initial_constraints(view: &mut View<'_, '_>) -> Vec<Expression<Fr>> {
    let inputs = [1, 3, 5].map(|row| view.cell(row));
    let layer = View::external(&inputs);
    (0..WIDTH).map(|i| view.cell(FIRST_FULL + 2 * i) - layer[i].clone() - view.constant(i)).collect()
}

fn full_constraints(view: &mut View<'_, '_>) -> Vec<Expression<Fr>> {
    let mut constraints: Vec<_> = [0, 2, 4].map(|row| view.square_is_right(row)).into();
    let layer = View::external(&[0, 2, 4].map(|row| view.fifth(row)));
    constraints.extend((0..WIDTH).map(|i| view.cell(6 + 2 * i) - layer[i].clone() - view.constant(i)));
    constraints
}

/// The last full round of the first half. Its layer yields s, and with the S-boxes y_0 and y_1 of the first
/// partial rounds: x_0 = s_0 + c_0, x_1 = 2y_0 + s_1 + s_2 + c_1, x_2 = 2y_1 + 2y_0 + 3s_1 + 4s_2 + c_2.
fn entry_constraints(view: &mut View<'_, '_>) -> Vec<Expression<Fr>> {
    let mut constraints: Vec<_> = [0, 2, 4].map(|row| view.square_is_right(row)).into();
    let [s0, s1, s2] = View::external(&[0, 2, 4].map(|row| view.fifth(row)));
    let (y0, y1) = (view.fifth(6), view.fifth(8));
    let x = [
        s0,
        linear(&[2, 1, 1], &[y0.clone(), s1.clone(), s2.clone()]),
        linear(&[2, 2, 3, 4], &[y1, y0, s1, s2]),
    ];
    for (i, x) in x.into_iter().enumerate() {
        constraints.push(view.cell(6 + 2 * i) - x - view.constant(i));
    }
    constraints
}

fn partial_constraints(view: &mut View<'_, '_>) -> Vec<Expression<Fr>> {
    let square = view.square_is_right(0);
    let (y0, y1, y2) = (view.fifth(0), view.fifth(2), view.fifth(4));
    let (x1, x2) = (view.cell(2), view.cell(4));
    let next = linear(&[5, -5, 2, -8, 7], &[x2, x1, y2, y1, y0]);
    vec![square, view.cell(6) - next - view.constant(0)]
}

/// The last three partial rounds, a = 53, b = 54, c = 55, and the first S-boxes of the second half.
///
/// With (s1, s2) the idle elements before round a: z_a = s1 + s2 = x_b - c_b - 2y_a and
/// z_b = 3s1 + 4s2 + 2y_a = x_c - c_c - 2y_b, which fixes them: s2 = z_b - 2y_a - 3z_a, s1 = z_a - s2. Rounds a, b
/// and c are then applied to (s1, s2) in the open.
fn exit_constraints(view: &mut View<'_, '_>) -> Vec<Expression<Fr>> {
    let mut constraints: Vec<_> = [0, 2, 4].map(|row| view.square_is_right(row)).into();
    let y = [0, 2, 4].map(|row| view.fifth(row));
    let (xb, xc) = (view.cell(2), view.cell(4));
    let za = xb - y[0].clone() * small(2);
    let zb = xc - y[1].clone() * small(2);
    let state = exit_state(za, zb, y);
    for (i, state) in state.into_iter().enumerate() {
        constraints.push(view.cell(6 + 2 * i) - state - view.constant(i));
    }
    constraints
}

/// State after the last partial round, from z_a, z_b and the three S-box outputs.
fn exit_state<T>(za: T, zb: T, y: [T; 3]) -> [T; WIDTH]
where
    T: Clone + std::ops::Add<Output = T> + std::ops::Sub<Output = T> + std::ops::Mul<Fr, Output = T>,
{
    let times = |x: &T, c: i64| x.clone() * small(c);
    let mut s2 = zb - times(&y[0], 2) - times(&za, 3);
    let mut s1 = za - s2.clone();
    for y in &y[..2] {
        let (a, b) = (s1.clone(), s2.clone());
        s1 = times(&a, 2) + b.clone() + y.clone();
        s2 = a + times(&b, 3) + y.clone();
    }
    let first = times(&y[2], 2) + s1.clone() + s2.clone();
    let second = times(&s1, 2) + s2.clone() + y[2].clone();
    let third = s1 + times(&s2, 3) + y[2].clone();
    [first, second, third]
}

/// The constant part of [`exit_constraints`]: -c_b and -c_c sent through the same linear map, plus the round
/// constants of the next full round.
fn exit_constants(cb: Fr, cc: Fr, next: [Fr; WIDTH]) -> [Fr; WIDTH] {
    let linear_part = exit_state(-cb, -cc, [Fr::ZERO; 3]);
    std::array::from_fn(|i| linear_part[i] + next[i])
}

impl Tape {
    /// Applies the permutation to three cells or constants.
    pub fn permute(&mut self, inputs: [Input; WIDTH]) -> [Cell; WIDTH] {
        let index = self.permutations.len();
        let column = Column::Hash((index % HASH_COLUMNS) as u8);
        let base = index / HASH_COLUMNS * SLOT_ROWS;
        for (i, &input) in inputs.iter().enumerate() {
            assert!(!matches!(input, Input::Witness(_)), "a permutation takes constrained cells only");
            self.bind(Location { column, row: (base + 2 * i + 1) as u32 }, input);
        }
        let values = inputs.map(|input| input.value());
        self.permutations.push(values);
        let outputs = permute(values);
        std::array::from_fn(|i| Cell {
            value: outputs[i],
            at: Location { column, row: (base + SLOT_ROWS + 2 * i) as u32 },
        })
    }
}
