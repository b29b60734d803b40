//! What a program consists of.

use std::{fmt, sync::OnceLock};

use janction_protocol::Digest;

use crate::{
    arrangement::{Place, Source},
    commitment::{RowTree, Scheme, TreeError},
    error::ProgramError,
    operation::{Conv, Operand, Operation},
    tensor::{DType, Tensor},
};

/// Number of a value: 0 is the program's input, i + 1 the output of step i.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub usize);

/// Number of a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConstantId(pub usize);

/// Type and row shape of an activation. Its number of rows is that of the job's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Unique name.
    pub name: String,
    /// Type of the cells; int8 or uint8.
    pub dtype: DType,
    /// Shape of a row.
    pub shape: Vec<u32>,
}

impl Value {
    /// Cells in a row; saturates, since the limits are checked on the result.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.shape.iter().fold(1usize, |product, &d| product.saturating_mul(d as usize))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.dtype)?;
        for (i, d) in self.shape.iter().enumerate() {
            write!(f, "{}{d}", if i == 0 { "" } else { ", " })?;
        }
        f.write_str("]")
    }
}

/// A constant tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// Unique name.
    pub name: String,
    /// Its rows.
    pub tensor: Tensor,
}

/// One operation and the value that it makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The result.
    pub output: Value,
    /// What computes it.
    pub operation: Operation,
}

/// The pieces of a program before they have been checked; see [`Program::new`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Name of the program.
    pub name: String,
    /// Depth of the row trees of activations: a job has at most 2^depth rows.
    pub depth: u8,
    /// How activations are committed to.
    pub scheme: Scheme,
    /// The input.
    pub input: Value,
    /// The constants.
    pub constants: Vec<Constant>,
    /// The operations in an order in which they can run; the last one's result is the output.
    pub steps: Vec<Step>,
}

/// A valid program. Immutable: what was checked stays true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    parts: Parts,
    /// For each value, where its cells are.
    places: Vec<Place>,
    /// The steps that are no views, in order.
    committed: Vec<usize>,
    pub(crate) digest: DigestMemo,
}

/// A program's digest, once it has been asked for: it takes hashing every constant.
#[derive(Clone, Debug, Default)]
pub(crate) struct DigestMemo(pub(crate) OnceLock<Digest>);

/// Whether it has been asked for makes no difference between programs.
impl PartialEq for DigestMemo {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for DigestMemo {}

impl Program {
    /// Checks `parts`: names, limits, shapes, types, parameters, and that no accumulator can overflow for any
    /// input. (The checks stand in `validate.rs` and in each operation's file.)
    ///
    /// # Errors
    /// The first rule that does not hold, with the operation's name.
    pub fn new(parts: Parts) -> Result<Self, ProgramError> {
        let (places, committed) = crate::validate::check(&parts)?;
        Ok(Self { parts, places, committed, digest: DigestMemo::default() })
    }

    /// Name of the program.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// Depth of the row trees of activations: a job has at most 2^depth rows.
    #[must_use]
    pub const fn depth(&self) -> u8 {
        self.parts.depth
    }

    /// How activations are committed to.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.parts.scheme
    }

    /// Depth of the trees over an activation's leaves: rows, or blocks of rows.
    #[must_use]
    pub const fn tree_depth(&self) -> u8 {
        // A valid program's blocks have no more rows than a job.
        self.parts.depth - self.parts.scheme.block_bits()
    }

    /// The program with another commitment scheme: another program, with another digest.
    ///
    /// # Errors
    /// [`ProgramError`] when the scheme's blocks have more rows than a job.
    pub fn with_scheme(self, scheme: Scheme) -> Result<Self, ProgramError> {
        Self::new(Parts { scheme, ..self.parts })
    }

    /// Cells in a row of each activation that is committed to, the input first.
    #[must_use]
    pub fn committed_columns(&self) -> Vec<usize> {
        let steps = self.committed_steps().map(|step| step.output.columns());
        std::iter::once(self.input().columns()).chain(steps).collect()
    }

    /// The commitment scheme to recommend for the program's sizes.
    #[must_use]
    pub fn recommended_scheme(&self) -> Scheme {
        Scheme::recommended(&self.committed_columns(), self.depth())
    }

    /// Commits to an activation: the input, or what an operation made.
    ///
    /// # Errors
    /// When the rows do not fit a job, or are not of 8-bit cells.
    pub fn commit(&self, tensor: &Tensor) -> Result<RowTree, TreeError> {
        let dtype = tensor.dtype();
        if !dtype.is_byte() {
            return Err(TreeError::Type { dtype });
        }
        RowTree::new(self.scheme().leaves(tensor), self.tree_depth())
    }

    /// The root that [`Self::commit`] gives `tensor`.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn root_of(&self, tensor: &Tensor) -> Result<Digest, TreeError> {
        self.commit(tensor).map(|tree| tree.root())
    }

    /// Most rows of a job: 2^depth.
    #[must_use]
    pub const fn max_rows(&self) -> usize {
        1 << self.parts.depth
    }

    /// The input.
    #[must_use]
    pub const fn input(&self) -> &Value {
        &self.parts.input
    }

    /// The value `id`.
    ///
    /// # Panics
    /// When the program has no such value.
    #[must_use]
    pub fn value(&self, id: ValueId) -> &Value {
        match id.0 {
            0 => &self.parts.input,
            i => &self.parts.steps[i - 1].output,
        }
    }

    /// The last step's value.
    #[must_use]
    pub fn output(&self) -> &Value {
        self.value(ValueId(self.parts.steps.len()))
    }

    /// All constants.
    #[must_use]
    pub fn constants(&self) -> &[Constant] {
        &self.parts.constants
    }

    /// The tensor of constant `id`.
    ///
    /// # Panics
    /// When the program has no such constant.
    #[must_use]
    pub fn constant(&self, id: ConstantId) -> &Tensor {
        &self.parts.constants[id.0].tensor
    }

    /// All steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.parts.steps
    }

    /// A bound on the absolute value of an operation's accumulators, whatever the cells: what has been proven free of overflow.
    /// `None` for operations that sum nothing.
    ///
    /// # Panics
    /// When the operation is not of this program.
    #[must_use]
    pub fn accumulator_bound(&self, operation: &Operation) -> Option<i64> {
        let dtype = |id| self.value(id).dtype;
        match operation {
            Operation::MatMul(op) | Operation::Conv(Conv { product: op, .. }) => {
                let bias = op.bias.map(|id| self.constant(id));
                let bounds = op.accumulator_bounds(dtype(op.input), self.constant(op.weights), bias);
                bounds.into_iter().max()
            }
            Operation::Add(op) => {
                let right = match op.right {
                    Operand::Value(id) => dtype(id),
                    Operand::Constant(id) => self.constant(id).dtype(),
                };
                Some(op.accumulator_bound(dtype(op.left), right))
            }
            Operation::AveragePool(op) => Some(op.accumulator_bound(dtype(op.input), &op.window(self))),
            Operation::Lookup(_)
            | Operation::MaxPool(_)
            | Operation::Reshape(_)
            | Operation::Transpose(_)
            | Operation::Concat(_) => None,
        }
    }

    /// The steps whose results are committed to (all but views), in order: the k-th one's result is the trace's
    /// k-th tensor, and k is the operation's number wherever rows are drawn or audited.
    pub fn committed_steps(&self) -> impl ExactSizeIterator<Item = &Step> {
        self.committed.iter().map(|&index| &self.parts.steps[index])
    }

    /// The k-th step whose result is committed to.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn committed_step(&self, k: usize) -> &Step {
        &self.parts.steps[self.committed[k]]
    }

    /// The tensor that holds the rows of the output, as they are.
    #[must_use]
    pub fn output_source(&self) -> Source {
        self.places[self.parts.steps.len()].sources[0]
    }

    pub(crate) fn place(&self, id: ValueId) -> &Place {
        &self.places[id.0]
    }

    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Checks that `input` can be run: type, columns, number of rows.
    ///
    /// # Errors
    /// [`ProgramError::Input`].
    pub fn check_input(&self, input: &Tensor) -> Result<(), ProgramError> {
        let value = self.input();
        let fits = input.dtype() == value.dtype
            && input.columns() == value.columns()
            && input.rows() <= self.max_rows();
        if fits {
            return Ok(());
        }
        Err(ProgramError::Input {
            expected: format!("{value} ({} cells) by 1 to {} rows", value.columns(), self.max_rows()),
            got: format!("{}[{}] by {} rows", input.dtype(), input.columns(), input.rows()),
        })
    }

    /// The program's pieces, to make another one of them.
    #[must_use]
    pub fn into_parts(self) -> Parts {
        self.parts
    }

    pub(crate) const fn parts(&self) -> &Parts {
        &self.parts
    }
}
