//! What drawing rows finds.
//!
//! If a fraction f of an operation's rows is false, one draw misses them with probability at most
//! 1 - (f - 2^-31) (see [`crate::draw`] for the 2^-31), s draws all miss with that to the power of s, and an
//! adversary who may see T beacons before settling on one slips through with at most T times that. One false row
//! among many is missed nearly always: that is what stake, `full` and challenges are for.

/// T, the beacons that an adversary is granted by default: 2^20.
pub const DEFAULT_BEACONS: f64 = 1_048_576.0;

/// Bias of a draw, see [`crate::draw`].
const BIAS: f64 = 1.0 / 2_147_483_648.0;

/// Natural logarithm of the probability that one draw misses a fraction `f`.
fn ln_miss(f: f64) -> f64 {
    (-(f - BIAS).clamp(0.0, 1.0)).ln_1p()
}

/// Bound on the probability that `draws` draws miss a fraction `f` of false rows although the adversary saw
/// `beacons` beacons: `min(1, T (1 - f)^s)`.
#[must_use]
pub fn miss_probability(f: f64, draws: u32, beacons: f64) -> f64 {
    // In logarithms: (1 - f)^s underflows long before it is meaningless.
    (beacons.ln() + f64::from(draws) * ln_miss(f)).exp().min(1.0)
}

/// The detection probability, `1 - T (1 - f)^s`, at least 0.
#[must_use]
pub fn detection_probability(f: f64, draws: u32, beacons: f64) -> f64 {
    1.0 - miss_probability(f, draws, beacons)
}

/// The same in bits: minus the binary logarithm of [`miss_probability`], at least 0.
#[must_use]
pub fn soundness_bits(f: f64, draws: u32, beacons: f64) -> f64 {
    (-(beacons.ln() + f64::from(draws) * ln_miss(f)) / std::f64::consts::LN_2).max(0.0)
}

/// The fewest draws that find a fraction `f` of false rows with probability at least `target`, for as many beacons;
/// `None` when no number of draws below 2^24 does.
#[must_use]
pub fn draws_needed(f: f64, target: f64, beacons: f64) -> Option<u32> {
    let draws = (((1.0 - target) / beacons).ln() / ln_miss(f)).ceil();
    (draws.is_finite() && draws <= f64::from(crate::Policy::MAX_ROWS)).then_some(draws.max(1.0) as u32)
}

/// What a job is worth to whoever runs it, all in one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stakes {
    /// R: what it is paid.
    pub price: f64,
    /// C: what it costs to run it honestly.
    pub cost: f64,
    /// G: what a false result is worth besides, if it is not found.
    pub gain: f64,
}

impl Stakes {
    /// The stake S above which it pays to be honest: whoever makes a fraction `f` of the rows up saves f C, and is found with
    /// probability D = `detection`, so cheating earns (1 - D) (R + G) + f C - D S, honesty R. So
    /// S > [(1 - D) G + f C] / D - R, at least 0; `None` where nothing is found, and no stake helps.
    #[must_use]
    pub fn honest_stake(&self, f: f64, detection: f64) -> Option<f64> {
        let Self { price, cost, gain } = *self;
        (detection > 0.0).then(|| (((1.0 - detection) * gain + f * cost) / detection - price).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_honest_stake_cheating_earns_what_honesty_does() {
        let stakes = Stakes { price: 5.0, cost: 4.0, gain: 100.0 };
        for (f, detection) in [(0.1, 0.5), (0.5, 0.2), (1.0, 0.01)] {
            let stake = stakes.honest_stake(f, detection).unwrap();
            let cheating =
                (1.0 - detection) * (stakes.price + stakes.gain) + f * stakes.cost - detection * stake;
            assert!((cheating - stakes.price).abs() < 1e-9, "{f} {detection}");
        }
        assert_eq!(stakes.honest_stake(0.1, 1.0), Some(0.0), "the price is more than what is saved");
        assert_eq!(stakes.honest_stake(0.1, 0.0), None);
    }

    #[test]
    fn known_figures() {
        // 1 - (1-f)^s = 99 %, without grinding.
        assert_eq!(draws_needed(0.1, 0.99, 1.0), Some(44));
        assert_eq!(draws_needed(0.01, 0.99, 1.0), Some(459));
        assert_eq!(draws_needed(0.001, 0.99, 1.0), Some(4603));
        // With 2^20 beacons.
        assert_eq!(draws_needed(0.1, 0.99, DEFAULT_BEACONS), Some(176));
        assert_eq!(draws_needed(0.01, 0.99, DEFAULT_BEACONS), Some(1838));
        assert_eq!(draws_needed(0.001, 0.99, DEFAULT_BEACONS), Some(18_459));
        assert!(detection_probability(0.1, 176, DEFAULT_BEACONS) >= 0.99);
        assert!(detection_probability(0.1, 175, DEFAULT_BEACONS) < 0.99);
        assert!((soundness_bits(0.5, 120, DEFAULT_BEACONS) - 100.0).abs() < 1e-6);
    }

    #[test]
    fn nothing_is_promised_where_nothing_is_found() {
        assert_eq!(detection_probability(0.0, 1000, DEFAULT_BEACONS), 0.0);
        assert_eq!(detection_probability(1e-6, 44, DEFAULT_BEACONS), 0.0);
        assert_eq!(soundness_bits(1e-6, 44, DEFAULT_BEACONS), 0.0);
        assert_eq!(draws_needed(0.0, 0.99, 1.0), None);
        assert!(detection_probability(1.0, 2, DEFAULT_BEACONS) > 0.999_999);
    }
}
