use plonky2::field::types::Field;
use plonky2::field::zero_poly_coset::ZeroPolyOnCoset;
use plonky2::plonk::circuit_data::CommonCircuitData;

use crate::cpu::columns::Columns;
use crate::cpu::poly::{self, reverse_bits};
use crate::cpu::shape::quotient_bits;
use crate::{D, F};

/// The points on which the quotient is evaluated, in bit-reversed order.
pub(super) struct Domain {
    /// log2 of the number of points.
    bits: usize,
    /// log2 of the points for each row of the circuit.
    quotient_bits: usize,
    points: Vec<F>,
    vanishing: ZeroPolyOnCoset<F>,
}

impl Domain {
    pub(super) fn of(common: &CommonCircuitData<F, D>) -> Self {
        let quotient_bits = quotient_bits(common);
        let bits = common.degree_bits() + quotient_bits;
        Self {
            bits,
            quotient_bits,
            points: poly::coset_points(bits, F::coset_shift()),
            vanishing: ZeroPolyOnCoset::new(common.degree_bits(), quotient_bits),
        }
    }

    pub(super) fn size(&self) -> usize {
        self.points.len()
    }

    /// The position of the point that is the next row's neighbour of the point at `position`.
    fn next(&self, position: usize) -> usize {
        let next = reverse_bits(position, self.bits) + (1 << self.quotient_bits);
        reverse_bits(next % self.size(), self.bits)
    }
}

/// Everything that the constraints read, at neighbouring points: a column after the other, `points` values each.
pub(super) struct Block {
    pub(super) points: usize,
    pub(super) xs: Vec<F>,
    pub(super) constants: Vec<F>,
    pub(super) sigmas: Vec<F>,
    pub(super) wires: Vec<F>,
    /// Z, partial products, lookups.
    pub(super) products: Vec<F>,
    /// The same at the next row, but zero for the partial products, which no constraint reads there.
    pub(super) next_products: Vec<F>,
    /// The Lagrange polynomial of the first row.
    pub(super) lagrange_first: Vec<F>,
    /// One over the polynomial that vanishes on the subgroup.
    pub(super) vanishing_inverses: Vec<F>,
}

impl Block {
    pub(super) fn new(common: &CommonCircuitData<F, D>, points: usize) -> Self {
        let config = &common.config;
        let products = config.num_challenges * (1 + common.num_partial_products + common.num_lookup_polys);
        let zeros = |columns: usize| vec![F::ZERO; columns * points];
        Self {
            points,
            xs: zeros(1),
            constants: zeros(common.num_constants),
            sigmas: zeros(config.num_routed_wires),
            wires: zeros(config.num_wires),
            products: zeros(products),
            next_products: zeros(products),
            lagrange_first: zeros(1),
            vanishing_inverses: zeros(1),
        }
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
        let points = self.points;
        for (i, leaf) in leaves[first..first + points].iter().enumerate() {
            scatter(&leaf[common.constants_range()], i, points, &mut self.constants);
            scatter(&leaf[common.sigmas_range()], i, points, &mut self.sigmas);
        }
        copy_rows(wires, first, points, &mut self.wires);
        copy_rows(products, first, points, &mut self.products);
        self.load_next(common, domain, first, products);
        self.load_points(domain, first);
    }

    fn load_next(
        &mut self,
        common: &CommonCircuitData<F, D>,
        domain: &Domain,
        first: usize,
        products: &Columns,
    ) {
        for i in 0..self.points {
            let next = domain.next(first + i);
            for j in common.zs_range().chain(common.lookup_range().start..products.width()) {
                self.next_products[j * self.points + i] = products.column(j)[next];
            }
        }
    }

    fn load_points(&mut self, domain: &Domain, first: usize) {
        self.xs.copy_from_slice(&domain.points[first..first + self.points]);
        let rows = F::from_canonical_usize(1 << (domain.bits - domain.quotient_bits));
        let denominators: Vec<F> = self.xs.iter().map(|&x| rows * (x - F::ONE)).collect();
        self.lagrange_first = F::batch_multiplicative_inverse(&denominators);
        for i in 0..self.points {
            let natural = reverse_bits(first + i, domain.bits);
            self.lagrange_first[i] *= domain.vanishing.eval(natural);
            self.vanishing_inverses[i] = domain.vanishing.eval_inverse(natural);
        }
    }
}

fn scatter(row: &[F], i: usize, points: usize, columns: &mut [F]) {
    columns.chunks_exact_mut(points).zip(row).for_each(|(column, &value)| column[i] = value);
}

fn copy_rows(table: &Columns, first: usize, points: usize, columns: &mut [F]) {
    for (column, all) in columns.chunks_exact_mut(points).zip(table.columns()) {
        column.copy_from_slice(&all[first..first + points]);
    }
}
