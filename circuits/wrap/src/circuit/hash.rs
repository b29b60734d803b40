//! Poseidon2 in halo2: a vertical gate of degree 4, with 165 cells to a permutation in one advice column.
//!
//! Few cells keep proofs fast, one column and few rotations keep the contract small: the cells of a round are
//! ordered so that no gate reaches further than eight rows. A slot of 165 rows holds one permutation:
//!
//! | rows of the slot | cells |
//! |---|---|
//! | 0, 1, 2 | outputs 2, 1, 0 of the *previous* slot |
//! | 3 + 6r, ... | full round r < 4: S-box inputs u_2, u_1, u_0, then their squares w_2, w_1, w_0 |
//! | 27, 28 | s_2, s_1: the elements of the state that do not pass the first partial S-box |
//! | 29 + 2r, next | partial round r: S-box input x_r and its square |
//! | 141 + 6r, ... | full round 4 + r, as above |
//!
//! S-box inputs already contain the round constant. The linear layer before the first round is computed in the flex
//! column: a selector less is worth more than the cells, which lie idle anyway. Writing y = x·(x²)² for the S-box:
//!
//! * *full*: u'_i = Σ_j E_ij y_j + c'_i, E = circ(2, 1, 1). After round 3 these are s_2, s_1 and x_0.
//! * *partial*: s_1 and s_2 never pass an S-box and are linear in what came before. With I = 1 + diag(1, 1, 2)
//!   restricted to them, A = ((2, 1), (1, 3)), the Cayley-Hamilton relation A² = 5A - 5 removes them:
//!   x_(r+3) = 5x_(r+2) - 5x_(r+1) + 2y_(r+2) - 8y_(r+1) + 7y_r + k_r, where k_r = c_(r+3) - 5c_(r+2) + 5c_(r+1).
//! * *entry* derives x_1 and x_2 from s_1 and s_2; *exit* recovers the state from the last three partial rounds.

use halo2_proofs::circuit::{Region, Value};
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;
use halo2_proofs::plonk::{
    Advice, Column as Halo2Column, ConstraintSystem, Expression, Fixed, Selector, VirtualCells,
};
use halo2_proofs::poly::Rotation;
use std::sync::LazyLock;

use super::bound::U256;
use super::tape::{Cell, Column, Input, Location, Tape};
use crate::poseidon2::{FULL_ROUNDS, PARTIAL_ROUNDS, WIDTH, round_constants};

/// Rows of a slot.
pub const SLOT_ROWS: usize = 165;
const HALF: usize = FULL_ROUNDS / 2;
const FIRST_FULL: usize = WIDTH;
const IDLE: usize = FIRST_FULL + 6 * HALF;
const PARTIAL: usize = IDLE + 2;
const SECOND_FULL: usize = PARTIAL + 2 * PARTIAL_ROUNDS;

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

/// Rows of elements 0, 1, 2 of a state that is stored from `first` on: the last element comes first.
fn state_rows(first: usize) -> [usize; WIDTH] {
    [first + 2, first + 1, first]
}

/// All cells of a permutation as (row of the slot, value), and the three outputs.
fn trace(input: [Fr; WIDTH]) -> (Vec<(usize, Fr)>, [Fr; WIDTH]) {
    let constants = &*CONSTANTS;
    let external = |s: [Fr; WIDTH]| {
        let sum = s[0] + s[1] + s[2];
        s.map(|x| x + sum)
    };
    let mut cells = Vec::with_capacity(SLOT_ROWS);
    let mut state = external(input);
    let full = |state: &mut [Fr; WIDTH], round: usize, first: usize, cells: &mut Vec<(usize, Fr)>| {
        for ((element, constant), row) in state.iter_mut().zip(constants.full[round]).zip(state_rows(first)) {
            let x = *element + constant;
            cells.extend([(row, x), (row + WIDTH, x.square())]);
            *element = fifth(x);
        }
        *state = external(*state);
    };
    for round in 0..HALF {
        full(&mut state, round, FIRST_FULL + 6 * round, &mut cells);
    }
    cells.extend([(IDLE, state[2]), (IDLE + 1, state[1])]);
    for (round, constant) in constants.partial.iter().enumerate() {
        let x = state[0] + constant;
        let row = PARTIAL + 2 * round;
        cells.extend([(row, x), (row + 1, x.square())]);
        state[0] = fifth(x);
        let sum = state[0] + state[1] + state[2];
        state = [state[0] + sum, state[1] + sum, state[2].double() + sum];
    }
    for round in 0..HALF {
        full(&mut state, HALF + round, SECOND_FULL + 6 * round, &mut cells);
    }
    cells.extend(state_rows(SLOT_ROWS).into_iter().zip(state));
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
    pub column: Halo2Column<Advice>,
    /// Round constants; rows after those of the last slot are free.
    pub constants: Halo2Column<Fixed>,
    full: Selector,
    entry: Selector,
    partial: Selector,
    exit: Selector,
}

/// Expressions of the hash column relative to the row of a gate.
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

    /// x^5 from the cells of x and x².
    fn fifth(&mut self, x: usize, square: usize) -> Expression<Fr> {
        let (x, square) = (self.cell(x), self.cell(square));
        x * square.clone() * square
    }

    /// What must vanish for one cell to be the square of another.
    fn square_is_right(&mut self, x: usize, square: usize) -> Expression<Fr> {
        let (x, square) = (self.cell(x), self.cell(square));
        square - x.clone() * x
    }

    /// The three checks state_i - expected_i - constant_i for a state that is stored from `first` on.
    fn state_is(&mut self, first: usize, expected: [Expression<Fr>; WIDTH]) -> Vec<Expression<Fr>> {
        let checks = state_rows(first).into_iter().zip(expected).enumerate();
        checks.map(|(i, (row, expected))| self.cell(row) - expected - self.constant(i)).collect()
    }

    /// External layer of three expressions: each plus their sum.
    fn external(elements: &[Expression<Fr>; WIDTH]) -> [Expression<Fr>; WIDTH] {
        let [a, b, c] = elements.clone();
        let sum = a + b + c;
        elements.each_ref().map(|element| sum.clone() + element.clone())
    }
}

fn small(c: i64) -> Fr {
    let magnitude = Fr::from(c.unsigned_abs());
    if c < 0 { -magnitude } else { magnitude }
}

/// Σ c·term, in as few operations as the contract that evaluates it can do with.
fn linear(coefficients: &[i64], terms: &[Expression<Fr>]) -> Expression<Fr> {
    let scaled = coefficients.iter().zip(terms).filter(|(c, _)| **c != 0).map(|(&c, term)| match c {
        1 => term.clone(),
        _ => term.clone() * small(c),
    });
    scaled.reduce(|sum, term| sum + term).expect("not all coefficients are zero")
}

impl HashConfig {
    /// Adds columns, selectors and gates.
    pub fn configure(meta: &mut ConstraintSystem<Fr>) -> Self {
        let config = Self {
            column: meta.advice_column(),
            constants: meta.fixed_column(),
            full: meta.selector(),
            entry: meta.selector(),
            partial: meta.selector(),
            exit: meta.selector(),
        };
        meta.enable_equality(config.column);
        config.gate(meta, config.full, full_constraints);
        config.gate(meta, config.entry, entry_constraints);
        config.gate(meta, config.partial, partial_constraints);
        config.gate(meta, config.exit, exit_constraints);
        config
    }

    fn gate(
        &self,
        meta: &mut ConstraintSystem<Fr>,
        selector: Selector,
        constraints: fn(&mut View<'_, '_>) -> Vec<Expression<Fr>>,
    ) {
        meta.create_gate("Poseidon2", |meta| {
            let q = meta.query_selector(selector);
            let mut view = View { meta, column: self.column, constants: self.constants };
            constraints(&mut view).into_iter().map(|c| q.clone() * c).collect::<Vec<_>>()
        });
    }

    /// Rows that a number of permutations takes.
    pub fn rows(permutations: usize) -> usize {
        // The outputs of the last slot lie in the first three rows of the next.
        permutations * SLOT_ROWS + WIDTH
    }

    /// Assigns the cells.
    pub fn assign_witness(&self, region: &mut Region<'_, Fr>, tape: &Tape) {
        use rayon::prelude::*;
        let traces: Vec<_> = tape.permutations.par_iter().map(|&input| trace(input).0).collect();
        for (slot, cells) in traces.into_iter().enumerate() {
            for (row, value) in cells {
                region.assign_advice(self.column, slot * SLOT_ROWS + row, Value::known(value));
            }
        }
        #[cfg(test)]
        self.assign_fault(region, tape);
    }

    /// Adds one to a cell.
    #[cfg(test)]
    fn assign_fault(&self, region: &mut Region<'_, Fr>, tape: &Tape) {
        if let Some(fault) = tape.hash_fault {
            let (cells, _) = trace(tape.permutations[0]);
            let (row, value) = cells.into_iter().find(|&(row, _)| row == fault).expect("a used row");
            region.assign_advice(self.column, row, Value::known(value + Fr::ONE));
        }
    }

    /// Enables selectors and fills round constants for all slots in use.
    pub fn assign_layout(&self, region: &mut Region<'_, Fr>, tape: &Tape) {
        let constants = &*CONSTANTS;
        let c = &constants.partial;
        for slot in 0..tape.permutations.len() {
            let mut enable = |selector: &Selector, row: usize, values: &[Fr]| {
                let row = slot * SLOT_ROWS + row;
                selector.enable(region, row).expect("selectors are enabled inside the region");
                for (i, &value) in values.iter().enumerate() {
                    region.assign_fixed(self.constants, row + i, value);
                }
            };
            for round in 0..HALF - 1 {
                enable(&self.full, FIRST_FULL + 6 * round, &constants.full[round + 1]);
            }
            enable(&self.full, FIRST_FULL + 6 * (HALF - 1), &[c[0], Fr::ZERO, Fr::ZERO]);
            enable(&self.entry, IDLE, &[c[1], c[2]]);
            // One constant a gate, because the next gate is two rows on.
            for round in 0..PARTIAL_ROUNDS - 3 {
                let k = c[round + 3] - small(5) * (c[round + 2] - c[round + 1]);
                enable(&self.partial, PARTIAL + 2 * round, &[k]);
            }
            let exit = exit_constants(c[PARTIAL_ROUNDS - 2], c[PARTIAL_ROUNDS - 1], constants.full[HALF]);
            enable(&self.exit, PARTIAL + 2 * (PARTIAL_ROUNDS - 3), &exit);
            for round in 0..HALF {
                let next = constants.full.get(HALF + round + 1).copied().unwrap_or([Fr::ZERO; WIDTH]);
                enable(&self.full, SECOND_FULL + 6 * round, &next);
            }
        }
    }
}

fn full_constraints(view: &mut View<'_, '_>) -> Vec<Expression<Fr>> {
    let rows = state_rows(0);
    let mut constraints: Vec<_> = rows.map(|row| view.square_is_right(row, row + WIDTH)).into();
    let layer = View::external(&rows.map(|row| view.fifth(row, row + WIDTH)));
    constraints.extend(view.state_is(2 * WIDTH, layer));
    constraints
}

/// From s_2, s_1, x_0: x_1 = 2y_0 + s_1 + s_2 + c_1 and x_2 = 2y_1 + 2y_0 + 3s_1 + 4s_2 + c_2.
fn entry_constraints(view: &mut View<'_, '_>) -> Vec<Expression<Fr>> {
    let terms = [view.cell(0), view.cell(1), view.fifth(2, 3), view.fifth(4, 5)];
    let x1 = linear(&[1, 1, 2], &terms);
    let x2 = linear(&[4, 3, 2, 2], &terms);
    vec![view.cell(4) - x1 - view.constant(0), view.cell(6) - x2 - view.constant(1)]
}

fn partial_constraints(view: &mut View<'_, '_>) -> Vec<Expression<Fr>> {
    let square = view.square_is_right(0, 1);
    let [y0, y1, y2] = [0, 2, 4].map(|row| view.fifth(row, row + 1));
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
    let rows = [0, 2, 4];
    let mut constraints: Vec<_> = rows.map(|row| view.square_is_right(row, row + 1)).into();
    let [ya, yb, yc] = rows.map(|row| view.fifth(row, row + 1));
    let terms = [view.cell(2), view.cell(4), ya, yb, yc];
    let state = exit_coefficients().map(|coefficients| linear(&coefficients, &terms));
    constraints.extend(view.state_is(6, state));
    constraints
}

/// The state after the last partial round as a linear map of (x_b, x_c, y_a, y_b, y_c), without constants.
fn exit_coefficients() -> [[i64; 5]; WIDTH] {
    let mut coefficients = [[0; 5]; WIDTH];
    for (i, basis) in [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
        .into_iter()
        .enumerate()
    {
        let [xb, xc, ya, yb, yc] = basis;
        let state = exit_state(xb - 2 * ya, xc - 2 * yb, [ya, yb, yc], |x, c| x * c);
        for (row, element) in coefficients.iter_mut().zip(state) {
            row[i] = element;
        }
    }
    coefficients
}

/// State after the last partial round, from z_a, z_b and the three S-box outputs.
fn exit_state<T>(za: T, zb: T, y: [T; 3], times: impl Fn(T, i64) -> T) -> [T; WIDTH]
where
    T: Copy + std::ops::Add<Output = T> + std::ops::Sub<Output = T>,
{
    let mut s2 = zb - times(y[0], 2) - times(za, 3);
    let mut s1 = za - s2;
    for &y in &y[..2] {
        (s1, s2) = (times(s1, 2) + s2 + y, s1 + times(s2, 3) + y);
    }
    [times(y[2], 2) + s1 + s2, times(s1, 2) + s2 + y[2], s1 + times(s2, 3) + y[2]]
}

/// The constant part of [`exit_constraints`]: -c_b and -c_c sent through the same linear map, plus the round
/// constants of the next full round.
fn exit_constants(cb: Fr, cc: Fr, next: [Fr; WIDTH]) -> [Fr; WIDTH] {
    let linear_part = exit_state(-cb, -cc, [Fr::ZERO; 3], |x, c| x * small(c));
    std::array::from_fn(|i| linear_part[i] + next[i])
}

impl Tape {
    /// Applies the permutation to three cells or constants.
    pub fn permute(&mut self, inputs: [Input; WIDTH]) -> [Cell; WIDTH] {
        let base = self.permutations.len() * SLOT_ROWS;
        let at = |row: usize| Location { column: Column::Hash, row: (base + row) as u32 };
        for ((i, constant), row) in CONSTANTS.full[0].into_iter().enumerate().zip(state_rows(FIRST_FULL)) {
            let first = self.first_layer(&inputs, i, constant);
            self.bind(at(row), first);
        }
        let values = inputs.map(|input| input.value());
        self.permutations.push(values);
        let outputs = permute(values);
        let rows = state_rows(SLOT_ROWS);
        std::array::from_fn(|i| Cell { value: outputs[i], at: at(rows[i]) })
    }

    /// Element `i` of the external layer of the inputs, plus a constant.
    fn first_layer(&mut self, inputs: &[Input; WIDTH], i: usize, constant: Fr) -> Input {
        let mut constant = constant;
        let mut cells = Vec::with_capacity(WIDTH);
        for (j, &input) in inputs.iter().enumerate() {
            let weight = if i == j { Fr::from(2) } else { Fr::ONE };
            match input {
                Input::Cell(_) => cells.push((input, Input::Constant(weight))),
                Input::Constant(value) => constant += value * weight,
                Input::Witness(_) => panic!("a permutation takes constrained cells only"),
            }
        }
        if cells.is_empty() {
            Input::Constant(constant)
        } else {
            self.dot(Input::Constant(constant), cells).into()
        }
    }
}
