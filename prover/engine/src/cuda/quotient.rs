//! The quotient: all constraints, combined by powers of α, over the polynomial that vanishes on the subgroup; coset by
//! coset.
#![allow(unsafe_code)] // Launches of kernels; each says what they are given.

use janction_accel_cuda::{Argument, Buffer, CudaError, Device, Grid, Matrix, View, ntt, words};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::CommonCircuitData;

use super::circuit::Tables;
use crate::plonk::{Challenges, FIXED_LOOKUP_SELECTORS, LookupShape, quotient_bits, table_evaluation};
use crate::{D, EngineError, F};

/// Challenges that one launch serves: `CHALLENGES` of `sums.cuh`.
const TOGETHER: usize = 4;
const THREADS: u32 = 128;

/// What the constraints read, by coefficients.
pub(super) struct Committed<'a> {
    pub(super) wires: &'a Matrix,
    pub(super) products: &'a Matrix,
}

/// The quotient's polynomials by their coefficients: for each challenge, as many as the constraints have degrees.
///
/// # Errors
/// [`EngineError::Witness`] where the constraints do not vanish on the subgroup.
pub(super) fn quotient(
    device: &Device,
    common: &CommonCircuitData<F, D>,
    tables: &Tables,
    committed: &Committed<'_>,
    public_inputs_hash: &HashOut<F>,
    challenges: &Challenges,
) -> Result<Matrix, EngineError> {
    let (rows, bits) = (common.degree(), quotient_bits(common));
    let count = challenges.alphas.len();
    let values = Matrix::zeros(device, rows << bits, count)?;
    let terms = Terms::new(device, common, tables, public_inputs_hash, challenges)?;
    let coset = Coset {
        wires: Matrix::allocate(device, rows, common.config.num_wires)?,
        constants_sigmas: Matrix::allocate(device, rows, tables.constants_sigmas.columns())?,
        products: Matrix::allocate(device, rows, committed.products.columns())?,
        points: device.allocate(rows)?,
    };
    for i in 0..1 << bits {
        let extend = |from: &Matrix, to: &Matrix| {
            ntt::extend_coset(device, from.view(), bits, F::coset_shift(), i, to.view())
        };
        extend(committed.wires, &coset.wires)?;
        extend(&tables.constants_sigmas, &coset.constants_sigmas)?;
        extend(committed.products, &coset.products)?;
        let domain_bits = common.degree_bits() + bits;
        ntt::points(device, domain_bits, F::coset_shift(), i * rows, coset.points.all())?;
        let shift = ntt::coset_shift(common.degree_bits(), bits, F::coset_shift(), i);
        let vanishing = shift.exp_power_of_2(common.degree_bits()) - F::ONE;
        terms.add(&coset, vanishing, values.view().some_rows(i * rows..(i + 1) * rows))?;
    }
    drop(coset);
    ntt::interpolate_coset(device, values.view(), F::coset_shift())?;
    let factor = common.quotient_degree_factor;
    terms.require_zero(values.view().some_rows(rows * factor..rows << bits))?;
    let chunks = Matrix::allocate(device, rows, count * factor)?;
    for i in 0..count * factor {
        let chunk = values.view().column(i / factor).slice(i % factor * rows..(i % factor + 1) * rows);
        device.copy(chunk, chunks.view().column(i))?;
    }
    Ok(chunks)
}

/// The values of everything on one coset.
struct Coset {
    wires: Matrix,
    constants_sigmas: Matrix,
    products: Matrix,
    points: Buffer,
}

/// The constraints, and what they read that is the same at all points.
struct Terms<'a> {
    device: &'a Device,
    common: &'a CommonCircuitData<F, D>,
    tables: &'a Tables,
    challenges: usize,
    hash: Buffer,
    betas: Buffer,
    gammas: Buffer,
    lookups: Option<Lookups>,
    /// Powers of each α, one after the other.
    powers: Buffer,
    /// Powers of one α: one for each term.
    terms: usize,
}

/// The lookup arguments' shape and challenges.
struct Lookups {
    shape: LookupShape,
    /// Four for each argument.
    challenges: Buffer,
    /// What RE must be at each table's end, argument by argument.
    table_ends: Buffer,
    tables: usize,
    /// Terms of all arguments.
    terms: usize,
}

impl Lookups {
    fn new(
        device: &Device,
        common: &CommonCircuitData<F, D>,
        challenges: &Challenges,
        shape: LookupShape,
    ) -> Result<Self, CudaError> {
        let tables = common.luts.len();
        let ends = challenges
            .lookups
            .iter()
            .flat_map(|&c| (0..tables).map(move |table| table_evaluation(common, shape, table, c)));
        let drawn = challenges.lookups.iter().flat_map(|c| [c.a, c.b, c.alpha, c.delta]);
        Ok(Self {
            shape,
            challenges: device.upload(words(&drawn.collect::<Vec<F>>()))?,
            table_ends: device.upload(words(&ends.collect::<Vec<F>>()))?,
            tables,
            terms: challenges.lookups.len() * (FIXED_LOOKUP_SELECTORS + tables + 2 * shape.parts),
        })
    }
}

impl<'a> Terms<'a> {
    fn new(
        device: &'a Device,
        common: &'a CommonCircuitData<F, D>,
        tables: &'a Tables,
        public_inputs_hash: &HashOut<F>,
        challenges: &Challenges,
    ) -> Result<Self, CudaError> {
        let lookups = LookupShape::of(common).map(|shape| Lookups::new(device, common, challenges, shape));
        let lookups = lookups.transpose()?;
        let count = challenges.alphas.len();
        let terms = count * (2 + common.num_partial_products)
            + lookups.as_ref().map_or(0, |lookups| lookups.terms)
            + common.num_gate_constraints;
        let powers: Vec<F> = challenges.alphas.iter().flat_map(|alpha| alpha.powers().take(terms)).collect();
        Ok(Self {
            device,
            common,
            tables,
            challenges: count,
            hash: device.upload(words(&public_inputs_hash.elements))?,
            betas: device.upload(words(&challenges.betas))?,
            gammas: device.upload(words(&challenges.gammas))?,
            lookups,
            powers: device.upload(words(&powers))?,
            terms,
        })
    }

    /// Adds all terms, over the vanishing polynomial's value, at the points of a coset.
    fn add(&self, coset: &Coset, vanishing: F, out: View<'_>) -> Result<(), CudaError> {
        for first in (0..self.challenges).step_by(TOGETHER) {
            let count = TOGETHER.min(self.challenges - first);
            let sums = Sums { out: out.some_columns(first..first + count), first, count };
            let mut term = 0;
            self.add_permutation(coset, vanishing, &sums)?;
            term += self.challenges * (2 + self.common.num_partial_products);
            if let Some(lookups) = &self.lookups {
                self.add_lookups(lookups, coset, &sums, term)?;
                term += lookups.terms;
            }
            self.add_gates(coset, &sums, term)?;
        }
        let arguments = [
            out.into(),
            Argument::Long(out.stride() as u64),
            Argument::Long(vanishing.inverse().0),
            Argument::Long(out.rows() as u64),
        ];
        let grid = Grid::over(out.rows(), THREADS)?.by(self.challenges as u32);
        // SAFETY: the kernel's parameters, and columns of as many rows.
        unsafe { self.device.launch(&self.tables.permutation, "scale", grid, &arguments) }
    }

    fn add_permutation(&self, coset: &Coset, vanishing: F, sums: &Sums<'_>) -> Result<(), CudaError> {
        let common = self.common;
        let mut arguments = vec![
            Argument::from(coset.wires.view()),
            coset.constants_sigmas.view().some_columns(common.sigmas_range()).into(),
            coset.products.view().into(),
            (&coset.points).into(),
            (&self.tables.ks).into(),
            (&self.betas).into(),
            (&self.gammas).into(),
            Argument::Long(vanishing.0),
            Argument::Word(self.challenges as u32),
            Argument::Word(common.config.num_routed_wires as u32),
            Argument::Word(common.quotient_degree_factor as u32),
            Argument::Word(common.num_partial_products as u32),
            Argument::Word(common.degree_bits() as u32),
        ];
        arguments.extend(self.powers(sums, 0));
        arguments.extend(sums.out());
        let grid = Grid::over(common.degree(), THREADS)?;
        // SAFETY: the kernel's parameters; the columns are those of the circuit, of as many rows as it has.
        unsafe { self.device.launch(&self.tables.permutation, "permutation_terms", grid, &arguments) }
    }

    fn add_lookups(
        &self,
        lookups: &Lookups,
        coset: &Coset,
        sums: &Sums<'_>,
        term: usize,
    ) -> Result<(), CudaError> {
        let Some(module) = &self.tables.lookup else { return Ok(()) };
        let common = self.common;
        let LookupShape { lookups: slots, entries, parts, lookups_a_part, entries_a_part } = lookups.shape;
        let selectors = common.selectors_info.num_selectors();
        let selectors = selectors..selectors + common.num_lookup_selectors;
        let products = coset.products.view();
        let numbers =
            [self.challenges, lookups.tables, parts, slots, lookups_a_part, entries, entries_a_part];
        let mut arguments = vec![
            Argument::from(coset.wires.view()),
            coset.constants_sigmas.view().some_columns(selectors).into(),
            products.some_columns(common.lookup_range().start..products.columns()).into(),
            (&lookups.challenges).into(),
            (&lookups.table_ends).into(),
        ];
        arguments.extend(numbers.map(|number| Argument::Word(number as u32)));
        arguments.push(Argument::Word(common.degree_bits() as u32));
        arguments.extend(self.powers(sums, term));
        arguments.extend(sums.out());
        let grid = Grid::over(common.degree(), THREADS)?;
        // SAFETY: the kernel's parameters; the columns are those of the circuit, of as many rows as it has.
        unsafe { self.device.launch(module, "lookup_terms", grid, &arguments) }
    }

    /// Adds the gates' constraints: the i-th of all gates, each behind its filter, are one term.
    fn add_gates(&self, coset: &Coset, sums: &Sums<'_>, term: usize) -> Result<(), CudaError> {
        let common = self.common;
        let constants = coset.constants_sigmas.view();
        let selectors = common.selectors_info.num_selectors();
        let prefix = selectors + common.num_lookup_selectors;
        let grid = Grid::over(common.degree(), THREADS)?;
        for gate in &self.tables.gates {
            let mut arguments = vec![
                Argument::from(coset.wires.view()),
                constants.some_columns(prefix..constants.columns()).into(),
                constants.column(gate.column).into(),
                (&self.hash).into(),
            ];
            arguments.extend(self.powers(sums, term));
            let selector = [gate.index, gate.group.start, gate.group.end, usize::from(selectors > 1)];
            arguments.extend(selector.map(|number| Argument::Word(number as u32)));
            arguments.extend(sums.out());
            arguments.push(Argument::Long(common.degree() as u64));
            for kernel in &gate.kernels {
                // SAFETY: the parameters of every gate's kernels; a gate reads columns of its circuit only.
                unsafe { self.device.launch(&gate.module, kernel, grid, &arguments)? };
            }
        }
        Ok(())
    }

    /// The powers of the launch's α from a term on, their distance, and the number of challenges.
    fn powers(&self, sums: &Sums<'_>, term: usize) -> [Argument<'_>; 3] {
        let first = sums.first * self.terms + term;
        [
            self.powers.slice(first.min(self.powers.len())..self.powers.len()).into(),
            Argument::Word(self.terms as u32),
            Argument::Word(sums.count as u32),
        ]
    }

    /// Refuses coefficients that are not zero.
    fn require_zero(&self, coefficients: View<'_>) -> Result<(), EngineError> {
        if coefficients.rows() == 0 {
            return Ok(());
        }
        let found = self.device.zeros::<u32>(1)?;
        for column in 0..coefficients.columns() {
            let column = coefficients.column(column);
            let arguments = [column.into(), Argument::Long(column.len() as u64), (&found).into()];
            let grid = Grid::over(column.len(), THREADS)?;
            // SAFETY: the kernel's parameters, and a column of that length.
            unsafe { self.device.launch(&self.tables.permutation, "find_nonzero", grid, &arguments)? };
        }
        if self.device.read(found.all())? == [0] {
            return Ok(());
        }
        Err(EngineError::Witness {
            reason: "the wires do not satisfy the constraints: the quotient is no polynomial of its degree"
                .to_owned(),
        })
    }
}

/// Where a launch adds its terms: `count` challenges from `first` on, a column each.
struct Sums<'a> {
    out: View<'a>,
    first: usize,
    count: usize,
}

impl Sums<'_> {
    fn out(&self) -> [Argument<'_>; 2] {
        [self.out.into(), Argument::Long(self.out.stride() as u64)]
    }
}
