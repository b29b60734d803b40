//! What the generators of a circuit compute, as far as sums and products go.

use plonky2::field::types::Field;
use plonky2::iop::generator::WitnessGeneratorRef;
use plonky2::iop::target::Target;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read};

use crate::{D, F};

/// An element of the extension field by its components; what is not there is zero.
pub(super) type Pair = [Option<Target>; D];

/// What a generator sets.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A target is this element.
    Constant(Target, F),
    /// `output` = `scale` · `factors` + `addend_scale` · `addend`, in the extension field.
    MulAdd { scale: F, factors: [Pair; 2], addend_scale: F, addend: Pair, output: Pair },
}

impl Step {
    pub(super) fn outputs(&self) -> impl Iterator<Item = Target> {
        match *self {
            Self::Constant(output, _) => [Some(output), None],
            Self::MulAdd { output, .. } => output,
        }
        .into_iter()
        .flatten()
    }

    pub(super) fn inputs(&self) -> impl Iterator<Item = Target> {
        let none = [None; D];
        let pairs = match *self {
            Self::Constant(..) => [none; 3],
            Self::MulAdd { factors: [a, b], addend, .. } => [a, b, addend],
        };
        pairs.into_iter().flatten().flatten()
    }
}

/// The steps of a generator, read from its serialisation; `None` for one that does something else.
///
/// The wires are those of Plonky2 1.1's gates. Should they ever move, the check of the finished tape tells.
pub(super) fn steps_of(
    generator: &WitnessGeneratorRef<F, D>,
    common: &CommonCircuitData<F, D>,
) -> IoResult<Option<Vec<Step>>> {
    let mut bytes = Vec::new();
    generator.0.serialize(&mut bytes, common)?;
    let mut from = Buffer::new(&bytes);
    let steps = match generator.0.id().as_str() {
        "ConstantGenerator" => {
            let (row, _, column) = (from.read_usize()?, from.read_usize()?, from.read_usize()?);
            vec![Step::Constant(Target::wire(row, column), from.read_field()?)]
        }
        "ArithmeticBaseGenerator" => {
            let row = from.read_usize()?;
            let (scale, addend_scale) = (from.read_field()?, from.read_field()?);
            let first = 4 * from.read_usize()?;
            let base = |i: usize| [Some(Target::wire(row, first + i)), None];
            let factors = [base(0), base(1)];
            vec![Step::MulAdd { scale, factors, addend_scale, addend: base(2), output: base(3) }]
        }
        "ArithmeticExtensionGenerator" => {
            let row = from.read_usize()?;
            let (scale, addend_scale) = (from.read_field()?, from.read_field()?);
            let first = 4 * D * from.read_usize()?;
            let at = |i: usize| pair(row, first + D * i);
            vec![Step::MulAdd { scale, factors: [at(0), at(1)], addend_scale, addend: at(2), output: at(3) }]
        }
        "MulExtensionGenerator" => {
            let (row, scale) = (from.read_usize()?, from.read_field()?);
            let first = 3 * D * from.read_usize()?;
            let at = |i: usize| pair(row, first + D * i);
            let addend = [None; D];
            vec![Step::MulAdd {
                scale,
                factors: [at(0), at(1)],
                addend_scale: F::ZERO,
                addend,
                output: at(2),
            }]
        }
        "ReducingGenerator" => reducing(from.read_usize()?, from.read_usize()?, 1),
        "ReducingExtensionGenerator" => reducing(from.read_usize()?, from.read_usize()?, D),
        _ => return Ok(None),
    };
    Ok(Some(steps))
}

/// Horner's rule over `count` coefficients of `width` wires each: output, base, start, coefficients, accumulators.
fn reducing(row: usize, count: usize, width: usize) -> Vec<Step> {
    let (output, base) = (pair(row, 0), pair(row, D));
    let mut before = pair(row, 2 * D);
    let coefficients = 3 * D;
    let accumulators = coefficients + width * count;
    (0..count)
        .map(|i| {
            let addend =
                std::array::from_fn(|d| (d < width).then(|| Target::wire(row, coefficients + width * i + d)));
            let after = if i + 1 == count { output } else { pair(row, accumulators + D * i) };
            let factors = [std::mem::replace(&mut before, after), base];
            Step::MulAdd { scale: F::ONE, factors, addend_scale: F::ONE, addend, output: after }
        })
        .collect()
}

fn pair(row: usize, first: usize) -> Pair {
    std::array::from_fn(|d| Some(Target::wire(row, first + d)))
}
