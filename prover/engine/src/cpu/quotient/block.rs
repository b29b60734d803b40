use std::ops::{Deref, DerefMut};

use janction_accel_cpu::Columns;
use plonky2::field::types::Field;
use plonky2::plonk::circuit_data::CommonCircuitData;

use super::domain::Domain;
use crate::{D, F};

/// Elements that begin on a vector's boundary.
pub(super) struct Aligned(Columns);

impl Aligned {
    fn new(len: usize) -> Self {
        Self(Columns::zeros(len, 1))
    }
}

impl Deref for Aligned {
    type Target = [F];

    fn deref(&self) -> &[F] {
        self.0.column(0)
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [F] {
        self.0.column_mut(0)
    }
}

/// The most points of a block: their wires stay in a core's cache.
pub(super) const MAX_POINTS: usize = 32;

/// A thread's tables for one block of points.
pub(super) struct Block {
    inputs: Inputs,
    /// For every challenge, a value a point.
    sums: Aligned,
    scratch: Scratch,
}

/// Everything that the constraints read, at neighbouring points: a column after the other, `points` values each.
pub(super) struct Inputs {
    pub(super) points: usize,
    pub(super) xs: Aligned,
    pub(super) constants: Aligned,
    pub(super) sigmas: Aligned,
    pub(super) wires: Aligned,
    /// Z, partial products, lookups.
    pub(super) products: Aligned,
    /// The same at the next row, but zero for the partial products, which no constraint reads there.
    pub(super) next_products: Aligned,
    /// The Lagrange polynomial of the first row.
    pub(super) lagrange_first: Aligned,
    /// One over the polynomial that vanishes on the subgroup.
    pub(super) vanishing_inverses: Aligned,
}

/// What the gates' constraints are made in.
pub(super) struct Scratch {
    /// For every constraint that a gate may have, a value a point.
    pub(super) terms: Aligned,
    /// The memory of the gates' programs.
    pub(super) memory: Aligned,
}

impl Block {
    /// Tables for `points` points, with `memory` elements for the gates' programs.
    pub(super) fn new(common: &CommonCircuitData<F, D>, points: usize, memory: usize) -> Self {
        let config = &common.config;
        let products = config.num_challenges * (1 + common.num_partial_products + common.num_lookup_polys);
        let columns = |count: usize| Aligned::new(count * points);
        let inputs = Inputs {
            points,
            xs: columns(1),
            constants: columns(common.num_constants),
            sigmas: columns(config.num_routed_wires),
            wires: columns(config.num_wires),
            products: columns(products),
            next_products: columns(products),
            lagrange_first: columns(1),
            vanishing_inverses: columns(1),
        };
        let scratch = Scratch { terms: columns(common.num_gate_constraints), memory: Aligned::new(memory) };
        Self { inputs, sums: columns(config.num_challenges), scratch }
    }

    /// What is read, where the sums go, and what else is written.
    pub(super) fn parts(&mut self) -> (&Inputs, &mut Aligned, &mut Scratch) {
        (&self.inputs, &mut self.sums, &mut self.scratch)
    }

    /// Reads the points from position `first` on. `leaves` are the rows of constants and σ.
    pub(super) fn load(
        &mut self,
        common: &CommonCircuitData<F, D>,
        domain: &Domain,
        first: usize,
        leaves: &[Vec<F>],
        wires: &Columns,
        products: &Columns,
    ) {
        let inputs = &mut self.inputs;
        let points = inputs.points;
        for (i, leaf) in leaves[first..first + points].iter().enumerate() {
            scatter(&leaf[common.constants_range()], i, points, &mut inputs.constants);
            scatter(&leaf[common.sigmas_range()], i, points, &mut inputs.sigmas);
        }
        copy_rows(wires, first, points, &mut inputs.wires);
        copy_rows(products, first, points, &mut inputs.products);
        inputs.load_next(common, domain, first, products);
        inputs.load_points(domain, first);
    }
}

impl Inputs {
    fn load_next(
        &mut self,
        common: &CommonCircuitData<F, D>,
        domain: &Domain,
        first: usize,
        products: &Columns,
    ) {
        let points = self.points;
        for i in 0..points {
            let next = domain.next(first + i);
            for j in common.zs_range().chain(common.lookup_range().start..products.columns()) {
                self.next_products[j * points + i] = products.column(j)[next];
            }
        }
    }

    fn load_points(&mut self, domain: &Domain, first: usize) {
        self.xs.copy_from_slice(&domain.points()[first..first + self.points]);
        let denominators: Vec<F> = self.xs.iter().map(|&x| domain.rows() * (x - F::ONE)).collect();
        let inverses = F::batch_multiplicative_inverse(&denominators);
        for (i, inverse) in inverses.into_iter().enumerate() {
            let (vanishing, vanishing_inverse) = domain.vanishing(first + i);
            self.lagrange_first[i] = vanishing * inverse;
            self.vanishing_inverses[i] = vanishing_inverse;
        }
    }
}

fn scatter(row: &[F], i: usize, points: usize, columns: &mut [F]) {
    columns.chunks_exact_mut(points).zip(row).for_each(|(column, &value)| column[i] = value);
}

fn copy_rows(table: &Columns, first: usize, points: usize, columns: &mut [F]) {
    for (column, all) in columns.chunks_exact_mut(points).zip(table.iter()) {
        column.copy_from_slice(&all[first..first + points]);
    }
}
