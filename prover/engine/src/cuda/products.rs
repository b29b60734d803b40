//! The columns of the permutation and lookup arguments.

use janction_accel_cuda::columns::{Permutation, sums_behind};
use janction_accel_cuda::{Argument, Buffer, CudaError, Device, Grid, Matrix, Module, View};
use plonky2::field::types::Field;
use plonky2::plonk::circuit_builder::LookupWire;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;

use super::circuit::Tables;
use crate::plonk::{Challenges, LookupChallenges, LookupShape};
use crate::{D, EngineError, F};

const THREADS: u32 = 128;

/// Z of all challenges, then the partial products challenge by challenge, then the lookups: values on the subgroup.
///
/// # Errors
/// [`EngineError::Witness`] where the challenges hit a pole.
pub(super) fn values<C: GenericConfig<D, F = F>>(
    device: &Device,
    circuit: &CircuitData<F, C, D>,
    tables: &Tables,
    wires: &Matrix,
    challenges: &Challenges,
) -> Result<Matrix, EngineError> {
    let common = &circuit.common;
    let (count, partials) = (challenges.betas.len(), common.num_partial_products);
    let lookups = count * common.num_lookup_polys;
    let values = Matrix::allocate(device, common.degree(), count * (1 + partials) + lookups)?;
    let permutation = Permutation {
        wires: wires.view().some_columns(0..common.config.num_routed_wires),
        sigmas: tables.sigmas.view(),
        ks: &tables.ks,
        chunk: common.quotient_degree_factor,
    };
    for (c, (&beta, &gamma)) in challenges.betas.iter().zip(&challenges.gammas).enumerate() {
        let first = count + c * partials;
        let columns = values.view().some_columns(first..first + partials);
        let filled = permutation.fill(device, beta, gamma, values.view().column(c), columns);
        filled.map_err(|error| match error {
            CudaError::ZeroInverse => pole("permutation"),
            error => error.into(),
        })?;
    }
    if let (Some(shape), Some(module)) = (LookupShape::of(common), &tables.lookup) {
        let columns = values.view().some_columns(count * (1 + partials)..values.columns());
        device.clear(columns.slice())?;
        let argument = Lookups { device, module, shape, wires: wires.view(), poles: device.zeros(1)? };
        for (c, &challenges) in challenges.lookups.iter().enumerate() {
            let first = c * (1 + shape.parts);
            let columns = columns.some_columns(first..first + 1 + shape.parts);
            for rows in &circuit.prover_only.lookup_rows {
                argument.fill(rows, challenges, columns)?;
            }
        }
        if device.read(argument.poles.all())? != [0] {
            return Err(pole("lookup"));
        }
    }
    Ok(values)
}

fn pole(argument: &str) -> EngineError {
    EngineError::Witness {
        reason: format!("a challenge of the {argument} argument hits a pole; another witness may be proven"),
    }
}

/// What the columns of the lookup arguments are made of.
struct Lookups<'a> {
    device: &'a Device,
    module: &'a Module,
    shape: LookupShape,
    wires: View<'a>,
    /// Not zero where a pole was hit.
    poles: Buffer<u32>,
}

impl Lookups<'_> {
    /// Fills the rows of one table in the columns of one argument. Rows run downwards: a row adds to the next.
    #[allow(unsafe_code)]
    fn fill(
        &self,
        rows: &LookupWire,
        challenges: LookupChallenges,
        columns: View<'_>,
    ) -> Result<(), CudaError> {
        let LookupShape { lookups, entries, parts, lookups_a_part, entries_a_part } = self.shape;
        let (first, middle, end) = (rows.last_lu_gate, rows.last_lut_gate, rows.first_lut_gate + 1);
        let totals = self.device.allocate(end - first)?;
        let word = |number: usize| Argument::Word(number as u32);
        let LookupChallenges { a, b, alpha, delta } = challenges;
        let arguments = [
            self.wires.into(),
            Argument::Long(self.wires.rows() as u64),
            word(first),
            word(middle),
            word(end),
            Argument::Long(a.0),
            Argument::Long(b.0),
            Argument::Long(alpha.0),
            Argument::Long(delta.0),
            word(parts),
            word(lookups),
            word(lookups_a_part),
            word(entries),
            word(entries_a_part),
            columns.into(),
            (&totals).into(),
            (&self.poles).into(),
        ];
        // SAFETY: the kernel's parameters; wires and columns have as many rows as the circuit, and the table lies in them.
        unsafe {
            self.device.launch(self.module, "lookup_steps", Grid::over(end - first, THREADS)?, &arguments)?
        };
        let sums = columns.some_columns(1..1 + parts).some_rows(first..end);
        self.add_behind(&totals, F::ONE, sums)?;
        let re = columns.some_columns(0..1).some_rows(middle..end);
        let entries_read = self.device.allocate(end - middle)?;
        self.device.copy(re.column(0), entries_read.all())?;
        self.add_behind(&entries_read, delta.exp_u64(entries as u64), re)
    }

    /// Adds to each row what `steps` of the later rows bring, a factor of `weight` for each row on the way.
    #[allow(unsafe_code)]
    fn add_behind(&self, steps: &Buffer, weight: F, columns: View<'_>) -> Result<(), CudaError> {
        sums_behind(self.device, steps.all(), weight, steps.all())?;
        let arguments = [
            columns.into(),
            Argument::Long(columns.stride() as u64),
            steps.into(),
            Argument::Long(weight.0),
            Argument::Word(columns.rows() as u32),
        ];
        let grid = Grid::over(columns.rows(), THREADS)?.by(columns.columns() as u32);
        // SAFETY: the kernel's parameters; `steps` has a value for each of the columns' rows.
        unsafe { self.device.launch(self.module, "add_behind", grid, &arguments) }
    }
}
