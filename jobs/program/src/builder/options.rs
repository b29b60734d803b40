//! Parameters of operations besides their operands, with defaults.

use crate::{
    program::ConstantId,
    requantise::{PerColumn, Requantise},
    rounding::Rounding,
    tensor::DType,
    window::Slide,
};

/// How results are put into the output's range.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Range {
    output_zero: i32,
    relu: bool,
    clamp: Option<(i32, i32)>,
}

impl Range {
    const NEW: Self = Self { output_zero: 0, relu: false, clamp: None };

    /// The clamp for an output of type `dtype`.
    fn bounds(self, dtype: DType) -> (i32, i32) {
        let (low, high) = self.clamp.unwrap_or((dtype.min(), dtype.max()));
        (if self.relu { low.max(self.output_zero) } else { low }, high)
    }
}

/// The two builder methods that all options with a range have.
macro_rules! range {
    () => {
        /// Smallest and largest output cell.
        #[must_use]
        pub const fn clamp(mut self, low: i32, high: i32) -> Self {
            self.range.clamp = Some((low, high));
            self
        }

        /// Fuses a ReLU: no output cell below the output's zero point.
        #[must_use]
        pub const fn relu(mut self) -> Self {
            self.range.relu = true;
            self
        }

        /// The output's zero point, and the clamp for an output of type `dtype`.
        pub(super) fn range(&self, dtype: DType) -> (i32, (i32, i32)) {
            (self.range.output_zero, self.range.bounds(dtype))
        }
    };
}

/// Parameters of a [`crate::MatMul`] besides its operands.
#[derive(Clone, Debug)]
pub struct MatMulOptions {
    pub(super) bias: Option<ConstantId>,
    pub(super) input_zero: i32,
    pub(super) weight_zero: PerColumn<i32>,
    pub(super) requantise: PerColumn<Requantise>,
    range: Range,
}

impl MatMulOptions {
    /// No bias, zero points of zero, the whole range of the output's type.
    #[must_use]
    pub const fn new(requantise: PerColumn<Requantise>) -> Self {
        let weight_zero = PerColumn::All(0);
        Self { bias: None, input_zero: 0, weight_zero, requantise, range: Range::NEW }
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
        self.range.output_zero = output;
        self
    }

    /// Zero point of the weights.
    #[must_use]
    pub fn weight_zero(mut self, zero: PerColumn<i32>) -> Self {
        self.weight_zero = zero;
        self
    }

    range!();
}

/// Parameters of a [`crate::Conv`] besides its operands.
#[derive(Clone, Debug)]
pub struct ConvOptions {
    pub(super) slide: Slide,
    pub(super) groups: u32,
    pub(super) product: MatMulOptions,
}

impl ConvOptions {
    /// Where the windows lie, and how each is multiplied with the weights; one group.
    #[must_use]
    pub const fn new(slide: Slide, product: MatMulOptions) -> Self {
        Self { slide, groups: 1, product }
    }

    /// Another number of groups.
    #[must_use]
    pub const fn groups(mut self, groups: u32) -> Self {
        self.groups = groups;
        self
    }
}

/// Parameters of a [`crate::Add`] besides its operands.
#[derive(Clone, Copy, Debug)]
pub struct AddOptions {
    pub(super) left_zero: i32,
    pub(super) left_multiplier: i32,
    pub(super) right_zero: i32,
    pub(super) right_multiplier: i32,
    pub(super) shift: u8,
    pub(super) rounding: Rounding,
    range: Range,
}

impl AddOptions {
    /// Factors `multipliers[0] / 2^shift` for the left and `multipliers[1] / 2^shift` for the right operand (see
    /// [`crate::common_shift`]), halves up, zero points of zero, the whole range of the output's type.
    #[must_use]
    pub const fn new(multipliers: [i32; 2], shift: u8) -> Self {
        let [left_multiplier, right_multiplier] = multipliers;
        let rounding = Rounding::HalfUp;
        Self {
            left_zero: 0,
            left_multiplier,
            right_zero: 0,
            right_multiplier,
            shift,
            rounding,
            range: Range::NEW,
        }
    }

    /// Where halves go.
    #[must_use]
    pub const fn rounded(self, rounding: Rounding) -> Self {
        Self { rounding, ..self }
    }

    /// Zero points of left operand, right operand and output.
    #[must_use]
    pub const fn zeros(mut self, left: i32, right: i32, output: i32) -> Self {
        self.left_zero = left;
        self.right_zero = right;
        self.range.output_zero = output;
        self
    }

    range!();
}

/// Parameters of an [`crate::AveragePool`] besides its operand.
#[derive(Clone, Debug)]
pub struct AveragePoolOptions {
    pub(super) slide: Slide,
    pub(super) input_zero: i32,
    pub(super) requantise: PerColumn<Requantise>,
    range: Range,
}

impl AveragePoolOptions {
    /// Where the windows lie and the factor from sum to output (one, or one for each position of a plane), zero points of
    /// zero, the whole range of the output's type.
    #[must_use]
    pub const fn new(slide: Slide, requantise: PerColumn<Requantise>) -> Self {
        Self { slide, input_zero: 0, requantise, range: Range::NEW }
    }

    /// Zero points of input and output.
    #[must_use]
    pub const fn zeros(mut self, input: i32, output: i32) -> Self {
        self.input_zero = input;
        self.range.output_zero = output;
        self
    }

    range!();
}
