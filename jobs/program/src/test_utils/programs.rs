//! Random programs of all operations.

use super::{Random, matching};
use crate::{
    builder::{AddOptions, AveragePoolOptions, Builder, ConvOptions, MatMulOptions},
    limits::MAX_ACCUMULATOR,
    operation::{ENTRIES, OperationKind},
    program::{Program, ValueId},
    requantise::{PerColumn, Requantise, common_shift},
    rounding::Rounding,
    tensor::{Cells, DType, Tensor},
    window::Slide,
};

/// Which parameters a random program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Parameters as in real programs: results spread over their range.
    Usual,
    /// Every parameter at an end of its range, accumulators up to the largest that is valid.
    Limits,
}

/// Most cells in a row: keeps tests fast.
const MOST_CELLS: u32 = 160;

/// A random program of up to seven operations of all kinds; one in four has its parameters at their limits.
#[must_use]
pub fn random_program(seed: u64) -> Program {
    let extent = if seed.is_multiple_of(4) { Extent::Limits } else { Extent::Usual };
    random_program_of(seed, extent, &OperationKind::ALL)
}

/// A random program of operations of `kinds`, with lookups and concatenations (and what reshapes need) to join what would
/// otherwise be unused.
#[must_use]
pub fn random_program_of(seed: u64, extent: Extent, kinds: &[OperationKind]) -> Program {
    let r = Random::new(seed);
    let mut maker = Maker { r, extent, b: Builder::new("random", 0), unused: Vec::new(), names: 0 };
    let r = &mut maker.r;
    maker.b = Builder::new("random", r.range(0, 4) as u8);
    let (dtype, rank) = (r.byte_dtype(), r.range(1, 4));
    let shape: Vec<u32> = (0..rank).map(|_| r.range(1, if rank > 2 { 5 } else { 12 }) as u32).collect();
    let input = maker.b.input("x", dtype, &shape);
    let mut values = vec![input];
    maker.unused.push(input);
    for _ in 0..maker.r.range(1, 7) {
        let kind = kinds[maker.r.range(0, kinds.len() as i64 - 1) as usize];
        // The newest value mostly, so that programs are deep, and others, so that they branch.
        let place = if maker.r.one_in(3) {
            maker.r.range(0, values.len() as i64 - 1) as usize
        } else {
            values.len() - 1
        };
        let made = maker.operation(kind, values[place], &values);
        values.push(made);
    }
    maker.finish();
    maker.b.build().unwrap_or_else(|error| panic!("the random program of seed {seed} is not valid: {error}"))
}

struct Maker {
    r: Random,
    extent: Extent,
    b: Builder,
    /// Values that no operation reads yet.
    unused: Vec<ValueId>,
    names: usize,
}

impl Maker {
    fn name(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("{kind}{}", self.names)
    }

    fn shape(&self, id: ValueId) -> Vec<u32> {
        self.b.value(id).expect("values are made before they are used").shape.clone()
    }

    fn dtype(&self, id: ValueId) -> DType {
        self.b.value(id).expect("values are made before they are used").dtype
    }

    /// Marks operands as used and their result as unused.
    fn made(&mut self, operands: &[ValueId], made: ValueId) -> ValueId {
        self.unused.retain(|id| !operands.contains(id));
        self.unused.push(made);
        made
    }

    /// A number in `low..=high`, at an end of it at the limits.
    fn number(&mut self, low: i64, high: i64) -> i64 {
        match self.extent {
            Extent::Usual => self.r.range(low, high),
            Extent::Limits => [low, high][self.r.range(0, 1) as usize],
        }
    }

    fn zero(&mut self, dtype: DType) -> i32 {
        match self.extent {
            Extent::Usual => self.r.zero(dtype),
            Extent::Limits => self.number(dtype.min().into(), dtype.max().into()) as i32,
        }
    }

    fn requantise(&mut self, terms: usize) -> Requantise {
        match self.extent {
            Extent::Usual => self.r.requantise(terms),
            Extent::Limits => {
                let (multiplier, shift) = (self.number(1, (1 << 31) - 1), self.number(1, 62));
                matching(Requantise::new(multiplier as u32, shift as u8).rounded(self.r.rounding([]).1))
            }
        }
    }

    /// Random bounds of the output, or none.
    fn clamp(&mut self, dtype: DType) -> Option<(i32, i32)> {
        let (one, other) = (self.r.cell(dtype) as i32, self.r.cell(dtype) as i32);
        self.r.one_in(3).then_some((one.min(other), one.max(other)))
    }

    /// Some other shape of as many cells: of `rank` dimensions, or of any number.
    fn factors(&mut self, cells: u32, rank: Option<usize>) -> Vec<u32> {
        let rank = rank.unwrap_or_else(|| self.r.range(1, 4) as usize);
        let mut shape = vec![1; rank];
        let mut rest = cells;
        let mut divisor = 2;
        while rest > 1 {
            if rest.is_multiple_of(divisor) {
                shape[self.r.range(0, rank as i64 - 1) as usize] *= divisor;
                rest /= divisor;
            } else {
                divisor += 1;
            }
        }
        shape
    }

    /// The value as rows of three dimensions.
    fn planes(&mut self, id: ValueId) -> ValueId {
        let shape = self.shape(id);
        if shape.len() == 3 {
            return id;
        }
        let planes = self.factors(shape.iter().product(), Some(3));
        let name = self.name("planes");
        let made = self.b.reshape(&name, id, &planes);
        self.made(&[id], made)
    }

    /// Windows that fit planes of this size, none of them in the padding alone when `pool`.
    fn slide(&mut self, shape: &[u32], pool: bool, dilated: bool) -> Slide {
        let mut slide = Slide::new([1, 1]);
        for d in 0..2 {
            let extent = i64::from(shape[d + 1]);
            let kernel = self.number(1, extent.min(4));
            let dilation = if dilated && kernel > 1 { self.r.range(1, 2) } else { 1 };
            let reach = dilation * (kernel - 1) + 1;
            // A pool's pads stay below its kernel, and a dilated one's inside the first step, so that no window is empty.
            let most = if !pool {
                3
            } else if dilation == 1 {
                kernel - 1
            } else {
                0
            };
            let (before, after) = (self.number(0, most), self.number(0, most));
            let missing = (reach - extent - before - after).max(0);
            (slide.kernel[d], slide.dilations[d]) = (kernel as u32, dilation as u32);
            (slide.pads[d], slide.pads[d + 2]) = (before as u32, (after + missing) as u32);
            slide.strides[d] = self.number(1, 3) as u32;
        }
        slide
    }

    /// Weights, bias and the other parameters of a product of vectors of `inner` cells of type `dtype`.
    fn product(
        &mut self,
        inner: usize,
        outer: usize,
        dtype: DType,
        output: DType,
    ) -> (crate::ConstantId, MatMulOptions) {
        let weight_dtype = self.r.byte_dtype();
        let weights = self.r.tensor(weight_dtype, inner, outer);
        let requantise = match self.r.one_in(2) {
            true => PerColumn::All(self.requantise(inner)),
            false => PerColumn::Each((0..outer).map(|_| self.requantise(inner)).collect()),
        };
        let weight_zero = match self.r.one_in(2) {
            true => PerColumn::All(self.zero(weight_dtype)),
            false => PerColumn::Each((0..outer).map(|_| self.zero(weight_dtype)).collect()),
        };
        let input_zero = self.zero(dtype);
        let mut options = MatMulOptions::new(requantise)
            .zeros(input_zero, self.zero(output))
            .weight_zero(weight_zero.clone());
        if self.r.one_in(2) {
            let reach = i64::from((dtype.max() - input_zero).max(input_zero - dtype.min()));
            let bias = (0..outer).map(|j| match self.extent {
                Extent::Usual => self.r.range(-100_000, 100_000) as i32,
                // As much as the accumulator's bound leaves.
                Extent::Limits => {
                    let weight = |k| i64::from((weights.get(k, j) - weight_zero.get(j)).abs());
                    let left = MAX_ACCUMULATOR - (0..inner).map(|k| reach * weight(k)).sum::<i64>();
                    self.number(-left, left) as i32
                }
            });
            let bias = Tensor::new(1, outer, Cells::I32(bias.collect())).expect("one cell a column");
            let name = self.name("bias");
            options = options.bias(self.b.constant(&name, bias));
        }
        if let Some((low, high)) = self.clamp(output) {
            options = options.clamp(low, high);
        } else if self.r.one_in(2) {
            options = options.relu();
        }
        let name = self.name("weights");
        (self.b.constant(&name, weights), options)
    }

    /// Adds an operation of `kind` (or one that is as good, where it does not fit) that reads `x`.
    fn operation(&mut self, kind: OperationKind, x: ValueId, values: &[ValueId]) -> ValueId {
        let (dtype, output) = (self.dtype(x), self.r.byte_dtype());
        let shape = self.shape(x);
        let cells: u32 = shape.iter().product();
        let name = self.name(kind.name());
        let made = match kind {
            OperationKind::MatMul => {
                let vectors = cells / shape[shape.len() - 1];
                let most = (MOST_CELLS / vectors).clamp(1, 20);
                let outer = self.r.range(1, most.into()) as usize;
                let (weights, options) = self.product(shape[shape.len() - 1] as usize, outer, dtype, output);
                self.b.matmul(&name, x, weights, output, options)
            }
            OperationKind::Conv => return self.conv(&name, x, output),
            OperationKind::Add => return self.add(&name, x, values, output),
            OperationKind::Lookup => return self.lookup(&name, x, output),
            OperationKind::MaxPool => {
                let x = self.planes(x);
                let slide = self.slide(&self.shape(x), true, true);
                let made = self.b.maxpool(&name, x, slide);
                return self.made(&[x], made);
            }
            OperationKind::AveragePool => return self.averagepool(&name, x, output),
            OperationKind::Reshape => {
                let shape = self.factors(cells, None);
                self.b.reshape(&name, x, &shape)
            }
            OperationKind::Transpose => {
                let mut permutation: Vec<u8> = (0..shape.len() as u8).collect();
                for i in (1..permutation.len()).rev() {
                    permutation.swap(i, self.r.range(0, i as i64) as usize);
                }
                self.b.transpose(&name, x, &permutation)
            }
            OperationKind::Concat => {
                let axis = self.r.range(0, shape.len() as i64 - 1) as usize;
                let fits = |m: &Self, id: ValueId| {
                    let mut other = m.shape(id);
                    let is_alike = other.len() == shape.len() && m.dtype(id) == dtype;
                    is_alike && {
                        other[axis] = shape[axis];
                        other == shape
                    }
                };
                let others: Vec<ValueId> = values.iter().copied().filter(|&id| fits(self, id)).collect();
                let mut operands = vec![x];
                let mut total = cells;
                for _ in 0..self.r.range(1, 3) {
                    let other = others[self.r.range(0, others.len() as i64 - 1) as usize];
                    total += self.shape(other).iter().product::<u32>();
                    if operands.len() > 1 && total > MOST_CELLS {
                        break;
                    }
                    operands.push(other);
                }
                let made = self.b.concat(&name, &operands, axis as u8);
                return self.made(&operands, made);
            }
        };
        self.made(&[x], made)
    }

    fn conv(&mut self, name: &str, x: ValueId, output: DType) -> ValueId {
        let x = self.planes(x);
        let (dtype, shape) = (self.dtype(x), self.shape(x));
        let slide = self.slide(&shape, false, true);
        let window = slide.over(&shape).expect("the windows were made to fit");
        let divisors: Vec<u32> = (1..=shape[0]).filter(|n| shape[0].is_multiple_of(*n)).collect();
        let groups = divisors[self.r.range(0, divisors.len() as i64 - 1) as usize];
        let most = (MOST_CELLS / window.positions() as u32 / groups).clamp(1, 4);
        let outer = groups as usize * self.r.range(1, most.into()) as usize;
        let inner = (shape[0] / groups) as usize * window.kernel_cells();
        let (weights, product) = self.product(inner, outer, dtype, output);
        let made = self.b.conv(name, x, weights, output, ConvOptions::new(slide, product).groups(groups));
        self.made(&[x], made)
    }

    fn add(&mut self, name: &str, x: ValueId, values: &[ValueId], output: DType) -> ValueId {
        let shape = self.shape(x);
        let alike: Vec<ValueId> = values.iter().copied().filter(|&id| self.shape(id) == shape).collect();
        let factor = |r: &mut Random| {
            let factor = r.range(10, 300) as f64 / 150.0;
            if r.one_in(3) { -factor } else { factor }
        };
        let ((multipliers, shift), rounding) = match self.extent {
            Extent::Usual => {
                let factors = [factor(&mut self.r), factor(&mut self.r)];
                let (factors, rounding) = self.r.rounding(factors);
                (common_shift(factors).expect("the factors are near one"), rounding)
            }
            Extent::Limits => {
                let most = i64::from(i32::MAX);
                let mut multiplier = || {
                    let magnitude = self.number(1, most);
                    if self.r.one_in(2) { -magnitude as i32 } else { magnitude as i32 }
                };
                let multipliers = [multiplier(), multiplier()];
                ((multipliers, self.number(1, 62) as u8), self.r.rounding([]).1)
            }
        };
        let options = |m: &mut Self, right: DType| {
            let rounding = if rounding.takes(shift) { rounding } else { Rounding::HalfEven };
            let options = AddOptions::new(multipliers, shift).rounded(rounding);
            let left = m.dtype(x);
            let options = options.zeros(m.zero(left), m.zero(right), m.zero(output));
            match m.clamp(output) {
                Some((low, high)) => options.clamp(low, high),
                None if m.r.one_in(2) => options.relu(),
                None => options,
            }
        };
        if self.r.one_in(3) {
            let (right, columns) = (self.r.byte_dtype(), shape.iter().product::<u32>() as usize);
            let options = options(self, right);
            let constant = self.r.tensor(right, 1, columns);
            let constant_name = self.name("row");
            let constant = self.b.constant(&constant_name, constant);
            let made = self.b.add(name, x, constant, output, options);
            return self.made(&[x], made);
        }
        let right = alike[self.r.range(0, alike.len() as i64 - 1) as usize];
        let options = options(self, self.dtype(right));
        let made = self.b.add(name, x, right, output, options);
        self.made(&[x, right], made)
    }

    fn lookup(&mut self, name: &str, x: ValueId, output: DType) -> ValueId {
        let table = self.r.tensor(output, 1, ENTRIES);
        let table_name = self.name("table");
        let table = self.b.constant(&table_name, table);
        let made = self.b.lookup(name, x, table);
        self.made(&[x], made)
    }

    fn averagepool(&mut self, name: &str, x: ValueId, output: DType) -> ValueId {
        let x = self.planes(x);
        let shape = self.shape(x);
        let slide = self.slide(&shape, true, false);
        let window = slide.over(&shape).expect("the windows were made to fit");
        let cells = window.most_cells();
        let entry = |m: &mut Self| match m.extent {
            Extent::Usual => {
                let factor = m.r.range(50, 300) as f64 / 100.0 / cells as f64;
                m.r.rounded(factor)
            }
            Extent::Limits => m.requantise(cells),
        };
        let requantise = match self.r.one_in(2) {
            true => PerColumn::All(entry(self)),
            false => PerColumn::Each((0..window.positions()).map(|_| entry(self)).collect()),
        };
        let (input_zero, output_zero) = (self.zero(self.dtype(x)), self.zero(output));
        let options = AveragePoolOptions::new(slide, requantise).zeros(input_zero, output_zero);
        let options = match self.clamp(output) {
            Some((low, high)) => options.clamp(low, high),
            None => options,
        };
        let made = self.b.averagepool(name, x, output, options);
        self.made(&[x], made)
    }

    /// Joins all unused values, and makes the output one that is committed to.
    fn finish(&mut self) {
        if self.unused.len() > 1 {
            let mut flat = Vec::new();
            for mut id in self.unused.clone() {
                if self.dtype(id) != DType::I8 {
                    let name = self.name("joined");
                    id = self.lookup(&name, id, DType::I8);
                }
                let shape = self.shape(id);
                if shape.len() > 1 {
                    let name = self.name("flat");
                    let made = self.b.reshape(&name, id, &[shape.iter().product()]);
                    id = self.made(&[id], made);
                }
                flat.push(id);
            }
            let name = self.name("join");
            let joined = self.b.concat(&name, &flat, 0);
            self.made(&flat, joined);
        }
        let last = self.unused[0];
        if last.0 == 0 || self.b.is_view(last) {
            let name = self.name("output");
            self.lookup(&name, last, DType::U8);
        }
    }
}
