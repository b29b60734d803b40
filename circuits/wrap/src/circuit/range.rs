//! Range checks: running sums over 16-bit limbs.
//!
//! A value of n limbs takes n + 1 cells z_0, ..., z_n with z_0 the value and z_n the constant 0. Wherever the sum goes
//! on, z_i - 2^16·z_(i+1) is looked up and hence below 2^16. By induction from the end,
//! z_i = limb_i + 2^16·z_(i+1) < 2^(16(n-i)) as an integer as long as 16n <= 253, because then nothing wraps around
//! the modulus r > 2^253.

use halo2_proofs::circuit::{Layouter, Region, Value};
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;
use halo2_proofs::plonk::{Advice, Column as Halo2Column, ConstraintSystem, Error, Fixed, TableColumn};
use halo2_proofs::poly::Rotation;

use super::bound::U256;
use super::tape::{Cell, Column, Input, Location, Tape};

/// Bits of a limb, and base-two logarithm of the lookup table.
pub const LIMB_BITS: usize = 16;
/// Limbs of the longest value that cannot wrap around r.
pub const MAX_LIMBS: usize = 253 / LIMB_BITS;
/// Limbs that cover every element of Fr (and wrap: see [`Tape::decompose_canonical`]).
pub const FR_LIMBS: usize = 16;
/// Limbs of half an element of Fr.
const HALF_LIMBS: usize = FR_LIMBS / 2;
/// Bits of half an element of Fr.
const HALF_BITS: usize = HALF_LIMBS * LIMB_BITS;

/// Columns of the range check.
#[derive(Clone, Copy, Debug)]
pub struct RangeConfig {
    /// 1 where a sum goes on in the next row, else 0.
    step: Halo2Column<Fixed>,
    table: TableColumn,
}

impl RangeConfig {
    /// Adds the lookup, of input degree 2, to the column that holds the sums.
    pub fn configure(meta: &mut ConstraintSystem<Fr>, sums: Halo2Column<Advice>) -> Self {
        let config = Self { step: meta.fixed_column(), table: meta.lookup_table_column() };
        meta.lookup("16-bit limb", |meta| {
            let sum = meta.query_advice(sums, Rotation::cur());
            let next = meta.query_advice(sums, Rotation::next());
            let step = meta.query_fixed(config.step, Rotation::cur());
            vec![(step * (sum - next * Fr::from(1 << LIMB_BITS)), config.table)]
        });
        config
    }

    /// Fills the lookup table.
    ///
    /// # Errors
    /// When the circuit has fewer than 2^16 usable rows.
    pub fn load_table(&self, layouter: &mut impl Layouter<Fr>) -> Result<(), Error> {
        layouter.assign_table(
            || "16-bit limbs",
            |mut table| {
                for row in 0..1usize << LIMB_BITS {
                    table.assign_cell(|| "limb", self.table, row, || Value::known(Fr::from(row as u64)))?;
                }
                Ok(())
            },
        )
    }

    /// Marks the steps; `offset` is the row of the first sum.
    pub fn assign_steps(&self, region: &mut Region<'_, Fr>, tape: &Tape, offset: usize) {
        for &row in &tape.range_steps {
            region.assign_fixed(self.step, offset + row as usize, Fr::ONE);
        }
    }
}

impl Tape {
    /// The running sums of `value` over `limbs` limbs, first the value itself, which is thereby constrained to
    /// be below 2^(16·limbs). With [`FR_LIMBS`] limbs the bound does not bite: see [`Tape::decompose_canonical`].
    fn running_sums(&mut self, value: Input, limbs: usize) -> Vec<Cell> {
        let integer = U256::from_fr(&value.value());
        let mut sums: Vec<Cell> = (0..=limbs)
            .map(|i| {
                let row = self.range.len() as u32;
                let value = if i < limbs { integer.shift_right(LIMB_BITS * i).to_fr() } else { Fr::ZERO };
                self.range.push(value);
                if i < limbs {
                    self.range_steps.push(row);
                }
                Cell { value, at: Location { column: Column::Range, row } }
            })
            .collect();
        let end = sums.pop().expect("the zero at the end");
        self.assert_constant(end, Fr::ZERO);
        self.bind(sums[0].at, value);
        sums
    }

    /// A new cell for a value below 2^(16·limbs), which is enforced; and the copy of `value` if it is a cell.
    /// The result's element i is the value shifted right by 16·i bits.
    pub fn range_check(&mut self, value: impl Into<Input>, limbs: usize) -> Vec<Cell> {
        assert!((1..=MAX_LIMBS).contains(&limbs), "{limbs} limbs could wrap around the modulus");
        self.running_sums(value.into(), limbs)
    }

    /// Constrains an integer cell known to be below 2^(253 - 15) to fewer than `bits` bits.
    pub fn assert_bits(&mut self, value: Cell, bits: usize) {
        let limbs = bits.div_ceil(LIMB_BITS);
        // value·2^k below 2^(bits + k) holds iff value is below 2^bits, since value·2^k does not wrap.
        let scale = Fr::from(1 << (limbs * LIMB_BITS - bits));
        let scaled = self.dot(Input::Constant(Fr::ZERO), [(value, Input::Constant(scale))]);
        self.range_check(scaled, limbs);
    }

    /// Running sums over all 16 limbs of the *canonical* form of an element of Fr: element i is the integer
    /// value shifted right by 16·i bits.
    ///
    /// The sums alone fix the integer only modulo r, so r - 1 - value >= 0 is checked with a borrow between two
    /// halves of 128 bits, each range-checked.
    pub fn decompose_canonical(&mut self, value: Cell) -> Vec<Cell> {
        let sums = self.running_sums(value.into(), FR_LIMBS);
        let largest = U256::from_fr(&-Fr::ONE);
        let (largest_low, largest_high) = (largest.low_bits(HALF_BITS), largest.shift_right(HALF_BITS));
        let high = sums[HALF_LIMBS];
        let minus_half = -U256::power_of_two(HALF_BITS).to_fr();
        let low = self.dot(value, [(high, Input::Constant(minus_half))]);

        let borrow = U256::from_fr(&low.value) > largest_low;
        let borrow = self.push(Input::Witness(Fr::from(u64::from(borrow))));
        self.assert_bit(borrow);
        let minus_one = Input::Constant(-Fr::ONE);
        let low_gap = self.dot(
            Input::Constant(largest_low.to_fr()),
            [(Input::from(low), minus_one), (borrow.into(), Input::Constant(-minus_half))],
        );
        let high_gap = self.dot(
            Input::Constant(largest_high.to_fr()),
            [(Input::from(high), minus_one), (borrow.into(), minus_one)],
        );
        self.range_check(low_gap, HALF_LIMBS);
        self.range_check(high_gap, HALF_LIMBS);
        sums
    }

    /// Bits `from..to` of a decomposed value, as one cell; both are multiples of 16, or `to` is the end.
    pub fn slice(&mut self, sums: &[Cell], from: usize, to: usize) -> Cell {
        let low = sums[from / LIMB_BITS];
        match sums.get(to.div_ceil(LIMB_BITS)) {
            None => low,
            Some(&high) => {
                let shift = -U256::power_of_two(to - from).to_fr();
                self.dot(low, [(high, Input::Constant(shift))])
            }
        }
    }
}
