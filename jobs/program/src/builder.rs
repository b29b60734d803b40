//! Programs in code.
//!
//! ```
//! use janction_program::{Cells, DType, PerColumn, Requantise, Tensor, builder::{Builder, MatMulOptions}};
//!
//! let mut b = Builder::new("relu_of_a_product", 4);
//! let x = b.input("x", DType::I8, &[2, 1]);
//! let x = b.reshape("flat", x, &[2]);
//! let w = b.constant("w", Tensor::new(2, 1, Cells::I8(vec![3, -5]))?);
//! let half = PerColumn::All(Requantise { multiplier: 1 << 30, shift: 31 });
//! b.matmul("y", x, w, DType::I8, MatMulOptions::new(half).relu());
//! let program = b.build()?;
//! assert_eq!(program.output().name, "y");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::{
    error::ProgramError,
    operation::{MatMul, Operation, Reshape},
    program::{Constant, ConstantId, Parts, Program, Step, Value, ValueId},
    requantise::{PerColumn, Requantise},
    tensor::{DType, Tensor},
};

/// Collects the pieces of a program; everything is checked by [`Builder::build`].
#[derive(Clone, Debug)]
pub struct Builder {
    name: String,
    depth: u8,
    input: Option<Value>,
    constants: Vec<Constant>,
    steps: Vec<Step>,
}

/// Parameters of a [`MatMul`] besides its operands.
#[derive(Clone, Debug)]
pub struct MatMulOptions {
    bias: Option<ConstantId>,
    input_zero: i32,
    weight_zero: PerColumn<i32>,
    requantise: PerColumn<Requantise>,
    output_zero: i32,
    relu: bool,
    clamp: Option<(i32, i32)>,
}

impl MatMulOptions {
    /// No bias, zero points of zero, the whole range of the output's type.
    #[must_use]
    pub const fn new(requantise: PerColumn<Requantise>) -> Self {
        let weight_zero = PerColumn::All(0);
        Self { bias: None, input_zero: 0, weight_zero, requantise, output_zero: 0, relu: false, clamp: None }
    }

    /// Adds a bias: a constant of one row of int32.
    #[must_use]
    pub const fn bias(mut self, bias: ConstantId) -> Self {
        self.bias = Some(bias);
        self
    }

    /// Zero points of input and output.
    #[must_use]
    pub const fn zeros(mut self, input: i32, output: i32) -> Self {
        self.input_zero = input;
        self.output_zero = output;
        self
    }

    /// Zero point of the weights.
    #[must_use]
    pub fn weight_zero(mut self, zero: PerColumn<i32>) -> Self {
        self.weight_zero = zero;
        self
    }

    /// Smallest and largest output cell.
    #[must_use]
    pub const fn clamp(mut self, low: i32, high: i32) -> Self {
        self.clamp = Some((low, high));
        self
    }

    /// Fuses a ReLU: no output cell below the output's zero point.
    #[must_use]
    pub const fn relu(mut self) -> Self {
        self.relu = true;
        self
    }
}

impl Builder {
    /// Begins a program for jobs of at most 2^depth rows.
    #[must_use]
    pub fn new(name: &str, depth: u8) -> Self {
        Self { name: name.into(), depth, input: None, constants: Vec::new(), steps: Vec::new() }
    }

    /// Declares the input, with the shape of one row. A later call replaces an earlier one's.
    pub fn input(&mut self, name: &str, dtype: DType, shape: &[u32]) -> ValueId {
        self.input = Some(Value { name: name.into(), dtype, shape: shape.into() });
        ValueId(0)
    }

    /// Adds a constant.
    pub fn constant(&mut self, name: &str, tensor: Tensor) -> ConstantId {
        self.constants.push(Constant { name: name.into(), tensor });
        ConstantId(self.constants.len() - 1)
    }

    /// Columns of a constant, if it exists: [`Builder::build`] complains if not.
    fn columns(&self, id: ConstantId) -> u32 {
        self.constants.get(id.0).map_or(0, |c| c.tensor.columns() as u32)
    }

    fn push(&mut self, name: &str, dtype: DType, shape: Vec<u32>, operation: Operation) -> ValueId {
        self.steps.push(Step { output: Value { name: name.into(), dtype, shape }, operation });
        ValueId(self.steps.len())
    }

    /// Adds a matrix product; the result is of type `dtype`.
    pub fn matmul(
        &mut self,
        name: &str,
        input: ValueId,
        weights: ConstantId,
        dtype: DType,
        options: MatMulOptions,
    ) -> ValueId {
        let (mut low, high) = options.clamp.unwrap_or((dtype.min(), dtype.max()));
        if options.relu {
            low = low.max(options.output_zero);
        }
        let operation = Operation::MatMul(MatMul {
            input,
            weights,
            bias: options.bias,
            input_zero: options.input_zero,
            weight_zero: options.weight_zero,
            requantise: options.requantise,
            output_zero: options.output_zero,
            clamp: (low, high),
        });
        self.push(name, dtype, vec![self.columns(weights)], operation)
    }

    /// Adds a view of `input` with row shape `shape`.
    pub fn reshape(&mut self, name: &str, input: ValueId, shape: &[u32]) -> ValueId {
        let dtype = match input.0 {
            0 => self.input.as_ref().map(|v| v.dtype),
            i => self.steps.get(i - 1).map(|step| step.output.dtype),
        };
        let operation = Operation::Reshape(Reshape { input });
        self.push(name, dtype.unwrap_or(DType::I8), shape.into(), operation)
    }

    /// The program; the last operation's result is its output.
    ///
    /// # Errors
    /// The first rule that does not hold. A missing input shows as a limit on its dimensions.
    pub fn build(self) -> Result<Program, ProgramError> {
        let missing = || Value { name: "input".into(), dtype: DType::I8, shape: Vec::new() };
        Program::new(Parts {
            name: self.name,
            depth: self.depth,
            input: self.input.unwrap_or_else(missing),
            constants: self.constants,
            steps: self.steps,
        })
    }
}
