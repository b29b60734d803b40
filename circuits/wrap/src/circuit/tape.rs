//! Cells before they are placed: the witness and the layout of the wrap circuit in one pass.
//!
//! Every stage of the verifier appends to a [`Tape`]. A cell knows its column and row from the moment it is
//! made. Copies and constants are kept as pairs and become equality constraints
//! when the tape is assigned. The layout never depends on values: a tape made from a dummy proof has the same
//! gates, copies and constants as one made from a real proof.

use std::collections::HashMap;

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;

use super::goldilocks::Gl;

/// A kind of cells that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Arithmetic: a + b·c = d on four consecutive cells.
    Flex,
    /// Running sums whose 16-bit limbs are looked up; below the flex cells in the same physical column.
    Range,
    /// Poseidon2.
    Hash,
}

/// Place of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The column.
    pub column: Column,
    /// The row within this kind, from 0.
    pub row: u32,
}

/// A placed cell with its value.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// The value; a dummy when keys are generated.
    pub value: Fr,
    /// The place.
    pub at: Location,
}

/// What goes into a new cell.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// A copy.
    Cell(Cell),
    /// A constant of the circuit.
    Constant(Fr),
    /// A free value: whoever uses this has to constrain it.
    Witness(Fr),
}

impl From<Cell> for Input {
    fn from(cell: Cell) -> Self {
        Self::Cell(cell)
    }
}

impl Input {
    /// The value.
    pub fn value(&self) -> Fr {
        match self {
            Self::Cell(cell) => cell.value,
            Self::Constant(value) | Self::Witness(value) => *value,
        }
    }
}

/// Cells, gates, copies and constants of a circuit.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    /// The flex column.
    pub(super) flex: Vec<Fr>,
    /// Rows of the flex column at which a gate starts.
    pub(super) flex_gates: Vec<u32>,
    /// The running sums.
    pub(super) range: Vec<Fr>,
    /// Rows of range cells whose running sum goes on in the next row.
    pub(super) range_steps: Vec<u32>,
    /// Inputs of the permutations, in order.
    pub(super) permutations: Vec<[Fr; 3]>,
    /// Pairs of equal cells.
    pub(super) copies: Vec<(Location, Location)>,
    /// Cells that equal a constant.
    pub(super) constants: Vec<(Location, Fr)>,
    /// The public instances, which are the first flex cells.
    pub(super) num_instances: usize,
    /// Reduced forms of Goldilocks cells, so that none is reduced twice.
    pub(super) reduced: HashMap<Location, Gl>,
    /// Cells times seven, which every extension product asks for.
    pub(super) sevenfold: HashMap<Location, Gl>,
    /// A row of the hash column to be assigned wrongly.
    #[cfg(test)]
    pub(super) hash_fault: Option<usize>,
}

impl Tape {
    /// Binds a cell to its input.
    pub(super) fn bind(&mut self, at: Location, input: Input) {
        match input {
            Input::Cell(cell) => self.copies.push((cell.at, at)),
            Input::Constant(value) => self.constants.push((at, value)),
            Input::Witness(_) => {}
        }
    }

    /// Appends a cell to the flex column.
    pub fn push(&mut self, input: impl Into<Input>) -> Cell {
        let input = input.into();
        let at = Location { column: Column::Flex, row: self.flex.len() as u32 };
        self.flex.push(input.value());
        self.bind(at, input);
        Cell { value: input.value(), at }
    }

    /// init + Σ a·b over the pairs, modulo r.
    pub fn dot<A: Into<Input>, B: Into<Input>>(
        &mut self,
        init: impl Into<Input>,
        pairs: impl IntoIterator<Item = (A, B)>,
    ) -> Cell {
        let mut accumulator = self.push(init);
        for (a, b) in pairs {
            self.flex_gates.push(accumulator.at.row);
            let (a, b) = (self.push(a), self.push(b));
            accumulator = self.push(Input::Witness(accumulator.value + a.value * b.value));
        }
        accumulator
    }

    /// sum - a·b modulo r: the first cell of a gate whose result is known.
    pub fn minuend(&mut self, sum: Cell, a: Cell, b: Cell) -> Cell {
        let minuend = self.push(Input::Witness(sum.value - a.value * b.value));
        self.flex_gates.push(minuend.at.row);
        self.push(a);
        self.push(b);
        self.push(sum);
        minuend
    }

    /// a + b modulo r.
    pub fn add(&mut self, a: impl Into<Input>, b: impl Into<Input>) -> Cell {
        self.dot(a, [(b, Input::Constant(Fr::ONE))])
    }

    /// Constrains a cell to a constant.
    pub fn assert_constant(&mut self, cell: Cell, value: Fr) {
        self.constants.push((cell.at, value));
    }

    /// Constrains two cells to be equal modulo r.
    pub fn assert_same(&mut self, a: Cell, b: Cell) {
        self.copies.push((a.at, b.at));
    }

    /// Constrains a cell to 0 or 1.
    pub fn assert_bit(&mut self, bit: Cell) {
        // 0 + bit·bit = bit
        let square = self.dot(Input::Constant(Fr::ZERO), [(bit, bit)]);
        self.assert_same(square, bit);
    }

    /// Makes cells the public instances, in order. They are the first cells of the flex column, where a gate ties
    /// each to its row of the instance column, so this comes before anything else.
    pub fn expose(&mut self, values: impl IntoIterator<Item = Fr>) -> Vec<Cell> {
        assert!(self.flex.is_empty(), "instances come first");
        let cells: Vec<Cell> = values.into_iter().map(|value| self.push(Input::Witness(value))).collect();
        self.num_instances = cells.len();
        cells
    }

    /// Values of the public instances.
    pub fn instance_values(&self) -> Vec<Fr> {
        self.flex[..self.num_instances].to_vec()
    }
}
