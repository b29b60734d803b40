//! What the names of a graph stand for while it is walked.

use std::rc::Rc;

use janction_program::{DType, Rounding, ValueId};

use crate::{
    error::OnnxError,
    join::Join,
    node::Node,
    pool::Average,
    product::Product,
    sum::Sum,
    tensor::{Tensor, to_f32},
    translate::Translator,
    views::View,
};

/// How a tensor's cells stand for real numbers: `real = (cell - zero) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantisation {
    /// Type of the cells.
    pub dtype: DType,
    /// Difference between neighbouring cells.
    pub scale: f64,
    /// The cell that stands for 0.
    pub zero: i32,
}

impl Quantisation {
    /// Cells that are the numbers themselves.
    pub(crate) const fn integers(dtype: DType) -> Self {
        Self { dtype, scale: 1.0, zero: 0 }
    }

    /// What `cell` stands for, in float32 as `DequantizeLinear` gives it.
    pub(crate) fn real(&self, cell: i32) -> f64 {
        to_f32(f64::from(cell - self.zero) * self.scale)
    }

    /// The cell for `real`: divided in float32, halves to even, saturated, as `QuantizeLinear` does. `None` for what is no
    /// number.
    pub(crate) fn cell(&self, real: f64) -> Option<i32> {
        self.cell_by(Rounding::HalfEven, real)
    }

    /// The same with halves to even or odd quotients.
    pub(crate) fn cell_by(&self, rounding: Rounding, real: f64) -> Option<i32> {
        let odd = f64::from(u8::from(rounding == Rounding::HalfOdd));
        // A float32 of cells and their neighbours has 24 bits: adding one is exact.
        let quotient = (to_f32(real / self.scale) + odd).round_ties_even() - odd;
        let (low, high) = (f64::from(self.dtype.min()), f64::from(self.dtype.max()));
        (!real.is_nan()).then(|| (quotient + f64::from(self.zero)).clamp(low, high) as i32)
    }
}

/// Which value of the program an activation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A value that the program has.
    Value(ValueId),
    /// A lookup, by its number, that the program gets once something reads it ([`crate::lookups`]).
    Lookup(usize),
}

/// The program's input.
pub const INPUT: Place = Place::Value(ValueId(0));

/// A value of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    pub place: Place,
    pub dtype: DType,
    /// Shape of an item.
    pub item: Vec<u32>,
    /// Whether an operation of the program commits to its cells in this order.
    pub is_committed: bool,
}

/// A real function of each cell of an activation.
#[derive(Clone, PartialEq)]
pub struct Mapped {
    pub activation: Activation,
    /// How the cells were dequantised.
    pub quantisation: Quantisation,
    /// The function, from the type's smallest cell on, as float32; `None` when it is the dequantisation itself.
    pub values: Option<Rc<Vec<f64>>>,
}

impl Mapped {
    /// The dequantised cells of `activation`.
    pub const fn new(activation: Activation, quantisation: Quantisation) -> Self {
        Self { activation, quantisation, values: None }
    }

    /// The function's values, from the type's smallest cell on.
    pub fn values(&self) -> Rc<Vec<f64>> {
        let dtype = self.activation.dtype;
        let plain = || Rc::new((dtype.min()..=dtype.max()).map(|c| self.quantisation.real(c)).collect());
        self.values.clone().unwrap_or_else(plain)
    }

    /// `f` behind this function.
    pub fn then(&self, f: impl Fn(f64) -> f64) -> Self {
        let values = self.values().iter().map(|&v| to_f32(f(v))).collect();
        Self { values: Some(Rc::new(values)), ..self.clone() }
    }
}

/// An integer constant with its quantisation.
#[derive(Clone)]
pub struct RealConstant {
    /// Name of the cells.
    pub name: String,
    pub cells: Tensor,
    /// One, or one for each index of dimension `axis`.
    pub scales: Vec<f64>,
    /// As many as scales, or one.
    pub zeros: Vec<i32>,
    pub axis: usize,
}

/// The entry of column `column` in a list of one for all or one for each.
pub fn at<T: Copy>(entries: &[T], column: usize) -> T {
    if entries.len() == 1 { entries[0] } else { entries[column] }
}

impl RealConstant {
    /// The real numbers, exact: `None` when the cells are no integers.
    pub fn reals(&self) -> Option<Vec<f64>> {
        let stride: usize = self.cells.shape.iter().skip(self.axis + 1).product();
        let extent = self.cells.shape.get(self.axis).copied().unwrap_or(1);
        let index = |i: usize| i / stride.max(1) % extent.max(1);
        let real = |(i, &cell): (usize, &i64)| {
            (cell - i64::from(at(&self.zeros, index(i)))) as f64 * at(&self.scales, index(i))
        };
        Some(self.cells.integers()?.iter().enumerate().map(real).collect())
    }
}

/// Real results that wait for their `QuantizeLinear`.
#[derive(Clone)]
pub struct Pending {
    pub kind: PendingKind,
    /// The results are clamped to this range of real numbers.
    pub bounds: (f64, f64),
    /// Views of the results, in order.
    pub views: Vec<View>,
    /// Shape of an item behind the views.
    pub item: Vec<u32>,
}

/// What computes them.
#[derive(Clone)]
pub enum PendingKind {
    Product(Product),
    Sum(Sum),
    Average(Average),
    Join(Join),
}

impl Pending {
    /// Results of item shape `item`, unbounded.
    pub fn new(kind: PendingKind, item: Vec<u32>) -> Self {
        Self { kind, bounds: (f64::NEG_INFINITY, f64::INFINITY), views: Vec::new(), item }
    }

    /// Adds a view. `shape` is what it makes of the items.
    pub fn view(&mut self, view: View, shape: Vec<u32>) {
        self.views.push(view);
        self.item = shape;
    }

    /// Whether nothing stands between the results and what reads them besides `views` views.
    pub fn is_bare(&self, views: usize) -> bool {
        self.bounds == (f64::NEG_INFINITY, f64::INFINITY) && self.views.len() == views
    }

    /// Makes the operation: requantises the results to `output`.
    pub fn finish(
        self,
        t: &mut Translator,
        node: &Node,
        output: Quantisation,
    ) -> Result<Activation, OnnxError> {
        // Rounding is monotone, so a clamp of the real results is one of the cells.
        let cell = |real| {
            output.cell(real).ok_or_else(|| node.unsupported("a bound of the Clip before it is no number"))
        };
        let settle = Settle { output, clamp: (cell(self.bounds.0)?, cell(self.bounds.1)?) };
        let mut activation = match self.kind {
            PendingKind::Product(product) => product.finish(t, node, settle)?,
            PendingKind::Sum(sum) => sum.finish(t, node, settle)?,
            PendingKind::Average(average) => average.finish(t, node, settle)?,
            PendingKind::Join(join) => join.finish(t, node, settle)?,
        };
        for view in &self.views {
            activation = view.apply(t, node.output()?, activation)?;
        }
        Ok(activation)
    }
}

/// How real results become cells.
#[derive(Clone, Copy)]
pub struct Settle {
    pub output: Quantisation,
    /// Smallest and largest cell.
    pub clamp: (i32, i32),
}

impl Settle {
    /// Without a clamp.
    pub const fn whole(output: Quantisation) -> Self {
        Self { output, clamp: (output.dtype.min(), output.dtype.max()) }
    }
}

/// What a name of the graph stands for.
#[derive(Clone)]
pub enum Flow {
    /// A constant.
    Constant(Tensor),
    /// A dequantised constant.
    RealConstant(RealConstant),
    /// The model's real input under these views, not yet quantised.
    RealInput(Vec<View>),
    /// 8-bit cells that the program computes (or its input).
    Cells(Activation),
    /// Dequantised cells, or a function of each of them.
    Mapped(Mapped),
    /// Results that wait for their requantisation.
    Pending(Box<Pending>),
}

impl Flow {
    /// Results of `kind` of item shape `item`.
    pub fn pending(kind: PendingKind, item: Vec<u32>) -> Self {
        Self::Pending(Box::new(Pending::new(kind, item)))
    }

    /// What it is, for messages.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Constant(tensor) if tensor.reals().is_some() => "a float32 constant",
            Self::Constant(_) => "a constant",
            Self::RealConstant(_) => "a dequantised constant",
            Self::RealInput(_) => "the real input, not quantised",
            Self::Cells(_) => "8-bit cells",
            Self::Mapped(Mapped { values: None, .. }) => "a dequantised activation",
            Self::Mapped(_) => "a function of an activation, not quantised",
            Self::Pending(pending) => match pending.kind {
                PendingKind::Product(_) => "a product that is not requantised yet",
                PendingKind::Sum(_) => "a sum that is not requantised yet",
                PendingKind::Average(_) => "an average that is not requantised yet",
                PendingKind::Join(_) => "a Concat that is not requantised yet",
            },
        }
    }
}
