//! What drawing rows finds, by trying it: against the bound of [`crate::soundness`].

use janction_protocol::F;
use plonky2::field::types::Field;

use crate::draw;

/// A way to cheat, and how often it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// Rows of the job.
    pub rows: usize,
    /// Rows of one operation that are false.
    pub false_rows: usize,
    /// Draws of the operation.
    pub draws: usize,
    /// Beacons that the cheat sees, to settle on one.
    pub beacons: usize,
}

impl Simulation {
    /// The share of false rows.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        self.false_rows as f64 / self.rows as f64
    }

    /// Whether the cheat slips through in the trial with this number: false rows stand where a sequence from `seed` puts them,
    /// and one of the beacons draws none of them.
    ///
    /// # Panics
    /// When there are no rows, or fewer than are false.
    #[must_use]
    pub fn slips_through(&self, seed: u64, trial: u64) -> bool {
        let mut random = Sequence::new(seed, trial);
        let is_false = self.place(&mut random);
        (0..self.beacons).any(|_| {
            let beacon = core::array::from_fn(|_| F::from_noncanonical_u64(random.next()));
            draw::draw_rows(beacon, 0, self.rows, self.draws).into_iter().all(|row| !is_false[row])
        })
    }

    /// Which rows are false.
    fn place(&self, random: &mut Sequence) -> Vec<bool> {
        assert!(self.false_rows <= self.rows, "{} of {} rows cannot be false", self.false_rows, self.rows);
        let mut is_false = vec![false; self.rows];
        let mut left = self.false_rows;
        while left > 0 {
            let row = &mut is_false[(random.next() % self.rows as u64) as usize];
            left -= usize::from(!*row);
            *row = true;
        }
        is_false
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): numbers that look random, the same everywhere.
struct Sequence(u64);

impl Sequence {
    fn new(seed: u64, trial: u64) -> Self {
        let mut start = Self(seed);
        let mut start = Self(start.next() ^ trial);
        Self(start.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soundness::miss_probability;

    /// Cheats slip through as often as the bound says, to within four standard deviations of the count: not more often, and with
    /// one beacon not less often either, or the draws would not be what is bounded.
    #[test]
    fn as_often_as_the_bound_says() {
        const TRIALS: u64 = 4000;
        for (false_rows, draws, beacons) in [
            (100, 8, 1),
            (100, 44, 1),
            (10, 44, 1),
            (10, 176, 1),
            (1, 44, 1),
            (500, 4, 1),
            (100, 44, 16),
            (50, 60, 4),
        ] {
            let simulation = Simulation { rows: 1000, false_rows, draws, beacons };
            let missed = (0..TRIALS).filter(|&trial| simulation.slips_through(7, trial)).count() as f64;
            let of_one = miss_probability(simulation.fraction(), draws as u32, 1.0);
            let expected = 1.0 - (1.0 - of_one).powi(beacons as i32);
            let deviation = (expected * (1.0 - expected) / TRIALS as f64).sqrt();
            let share = missed / TRIALS as f64;
            assert!(
                (share - expected).abs() <= 4.0 * deviation + 1e-9,
                "{simulation:?}: {share}, not {expected}"
            );
            let bound = miss_probability(simulation.fraction(), draws as u32, beacons as f64);
            assert!(share <= bound + 4.0 * deviation, "{simulation:?}: {share} > {bound}");
        }
    }

    #[test]
    fn nothing_false_is_never_found_and_everything_always() {
        let simulation = Simulation { rows: 10, false_rows: 0, draws: 50, beacons: 1 };
        assert!((0..20).all(|trial| simulation.slips_through(1, trial)));
        let simulation = Simulation { rows: 10, false_rows: 10, draws: 1, beacons: 100 };
        assert!(!(0..20).any(|trial| simulation.slips_through(1, trial)));
    }
}
