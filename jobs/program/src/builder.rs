//! Programs in code.
//!
//! ```
//! use janction_program::{Cells, DType, PerColumn, Requantise, Tensor, builder::{Builder, MatMulOptions}};
//!
//! let mut b = Builder::new("relu_of_a_product", 4);
//! let x = b.input("x", DType::I8, &[2, 1]);
//! let x = b.reshape("flat", x, &[2]);
//! let w = b.constant("w", Tensor::new(2, 1, Cells::I8(vec![3, -5]))?);
//! let half = PerColumn::All(Requantise::new(1 << 30, 31));
//! b.matmul("y", x, w, DType::I8, MatMulOptions::new(half).relu());
//! let program = b.build()?;
//! assert_eq!(program.output().name, "y");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod options;

pub use options::{AddOptions, AveragePoolOptions, ConvOptions, MatMulOptions};

use crate::{
    commitment::Scheme,
    error::ProgramError,
    operation::{
        Add, AveragePool, Concat, Conv, Lookup, MatMul, MaxPool, Operand, Operation, Reshape, Transpose,
    },
    program::{Constant, ConstantId, Parts, Program, Step, Value, ValueId},
    tensor::{DType, Tensor},
    window::Slide,
};

/// Collects the pieces of a program; everything is checked by [`Builder::build`].
#[derive(Clone, Debug)]
pub struct Builder {
    name: String,
    depth: u8,
    scheme: Scheme,
    input: Option<Value>,
    constants: Vec<Constant>,
    steps: Vec<Step>,
}

impl Builder {
    /// Begins a program for jobs of at most 2^depth rows.
    #[must_use]
    pub fn new(name: &str, depth: u8) -> Self {
        Self {
            name: name.into(),
            depth,
            scheme: Scheme::Rows,
            input: None,
            constants: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Has activations committed to by `scheme` instead of by rows.
    pub const fn scheme(&mut self, scheme: Scheme) {
        self.scheme = scheme;
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
        self.constants.get(id.0).map_or(1, |c| c.tensor.columns() as u32)
    }

    /// A value as it was declared, if it exists: [`Builder::build`] complains if not.
    #[must_use]
    pub fn value(&self, id: ValueId) -> Option<&Value> {
        match id.0 {
            0 => self.input.as_ref(),
            i => self.steps.get(i - 1).map(|step| &step.output),
        }
    }

    /// Whether a view makes the value.
    #[cfg(feature = "test-utils")]
    pub(crate) fn is_view(&self, id: ValueId) -> bool {
        id.0.checked_sub(1).is_some_and(|index| self.steps[index].operation.kind().is_view())
    }

    fn dtype(&self, id: ValueId) -> DType {
        self.value(id).map_or(DType::I8, |value| value.dtype)
    }

    /// Row shape of a value. What has none, or operands that do not fit, gets some shape: [`Builder::build`] then says what
    /// is wrong.
    fn shape(&self, id: ValueId) -> Vec<u32> {
        self.value(id).map_or_else(|| vec![1], |value| value.shape.clone())
    }

    /// Row shape of the windows' results.
    fn windows(&self, input: ValueId, slide: Slide, channels: Option<u32>) -> Vec<u32> {
        let shape = self.shape(input);
        match slide.over(&shape) {
            Some(window) => {
                vec![channels.unwrap_or(shape[0]), window.output[0] as u32, window.output[1] as u32]
            }
            None => vec![1],
        }
    }

    fn push(&mut self, name: &str, dtype: DType, shape: Vec<u32>, operation: Operation) -> ValueId {
        self.steps.push(Step { output: Value { name: name.into(), dtype, shape }, operation });
        ValueId(self.steps.len())
    }

    fn product(&self, input: ValueId, weights: ConstantId, dtype: DType, options: MatMulOptions) -> MatMul {
        let (output_zero, clamp) = options.range(dtype);
        MatMul {
            input,
            weights,
            bias: options.bias,
            input_zero: options.input_zero,
            weight_zero: options.weight_zero,
            requantise: options.requantise,
            output_zero,
            clamp,
        }
    }

    /// Adds a matrix product of every last-dimension vector of a row; the result is of type `dtype`.
    pub fn matmul(
        &mut self,
        name: &str,
        input: ValueId,
        weights: ConstantId,
        dtype: DType,
        options: MatMulOptions,
    ) -> ValueId {
        let mut shape = self.shape(input);
        shape.pop();
        shape.push(self.columns(weights));
        let operation = Operation::MatMul(self.product(input, weights, dtype, options));
        self.push(name, dtype, shape, operation)
    }

    /// Adds a convolution of rows `[C, H, W]`; the result is of type `dtype`.
    pub fn conv(
        &mut self,
        name: &str,
        input: ValueId,
        weights: ConstantId,
        dtype: DType,
        options: ConvOptions,
    ) -> ValueId {
        let ConvOptions { slide, groups, product } = options;
        let shape = self.windows(input, slide, Some(self.columns(weights)));
        let product = self.product(input, weights, dtype, product);
        self.push(name, dtype, shape, Operation::Conv(Conv { slide, groups, product }))
    }

    /// Adds a weighted sum of a value and a value or constant; the result is of type `dtype`.
    pub fn add(
        &mut self,
        name: &str,
        left: ValueId,
        right: impl Into<Operand>,
        dtype: DType,
        options: AddOptions,
    ) -> ValueId {
        let (output_zero, clamp) = options.range(dtype);
        let operation = Operation::Add(Add {
            left,
            right: right.into(),
            left_zero: options.left_zero,
            left_multiplier: options.left_multiplier,
            right_zero: options.right_zero,
            right_multiplier: options.right_multiplier,
            shift: options.shift,
            rounding: options.rounding,
            output_zero,
            clamp,
        });
        self.push(name, dtype, self.shape(left), operation)
    }

    /// Adds a function of each cell: a table of 256 entries, from that of the smallest cell on. The result is of the table's
    /// type.
    pub fn lookup(&mut self, name: &str, input: ValueId, table: ConstantId) -> ValueId {
        let dtype = self.constants.get(table.0).map_or(DType::I8, |c| c.tensor.dtype());
        self.push(name, dtype, self.shape(input), Operation::Lookup(Lookup { input, table }))
    }

    /// Adds the largest cells of windows over rows `[C, H, W]`.
    pub fn maxpool(&mut self, name: &str, input: ValueId, slide: Slide) -> ValueId {
        let shape = self.windows(input, slide, None);
        self.push(name, self.dtype(input), shape, Operation::MaxPool(MaxPool { input, slide }))
    }

    /// Adds the averages of windows over rows `[C, H, W]`; the result is of type `dtype`.
    pub fn averagepool(
        &mut self,
        name: &str,
        input: ValueId,
        dtype: DType,
        options: AveragePoolOptions,
    ) -> ValueId {
        let (output_zero, clamp) = options.range(dtype);
        let AveragePoolOptions { slide, input_zero, requantise, .. } = options;
        let shape = self.windows(input, slide, None);
        let operation =
            Operation::AveragePool(AveragePool { input, slide, input_zero, requantise, output_zero, clamp });
        self.push(name, dtype, shape, operation)
    }

    /// Adds a view of `input` with row shape `shape`.
    pub fn reshape(&mut self, name: &str, input: ValueId, shape: &[u32]) -> ValueId {
        self.push(name, self.dtype(input), shape.into(), Operation::Reshape(Reshape { input }))
    }

    /// Adds a view of `input` whose dimension d is the row's dimension `permutation[d]`.
    pub fn transpose(&mut self, name: &str, input: ValueId, permutation: &[u8]) -> ValueId {
        let op = Transpose { input, permutation: permutation.into() };
        let shape = op.shape(&self.shape(input)).unwrap_or_else(|| vec![1]);
        self.push(name, self.dtype(input), shape, Operation::Transpose(op))
    }

    /// Adds a view of the `inputs`, one behind the other along dimension `axis` of the row.
    pub fn concat(&mut self, name: &str, inputs: &[ValueId], axis: u8) -> ValueId {
        let first = inputs.first().copied().unwrap_or(ValueId(0));
        let mut shape = self.shape(first);
        if let Some(extent) = shape.get_mut(usize::from(axis)) {
            let extents = inputs.iter().filter_map(|&id| self.shape(id).get(usize::from(axis)).copied());
            *extent = extents.fold(0, u32::saturating_add);
        }
        let operation = Operation::Concat(Concat { inputs: inputs.into(), axis });
        self.push(name, self.dtype(first), shape, operation)
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
            scheme: self.scheme,
            input: self.input.unwrap_or_else(missing),
            constants: self.constants,
            steps: self.steps,
        })
    }
}
