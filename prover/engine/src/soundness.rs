//! How many bits of soundness a Plonky2 circuit has, term by term.
//!
//! The terms, for a circuit of n rows with `c` challenges, k routed columns, K constraints, a quotient of degree q n,
//! FRI at rate ρ over a domain of n/ρ points with t queries and g bits of grinding, in the extension of size p^2:
//!
//! | term | error |
//! |---|---|
//! | permutation | (k n / p)^c: β and γ come from the base field, c times |
//! | combination | (K / p)^c: α likewise |
//! | quotient | L q n / p^2: the identity at ζ, for each of the L words that a commitment may mean |
//! | FRI commit | proximity gap of the batching and of each fold |
//! | FRI query | (1 - δ)^t 2^-g |
//!
//! δ, L and the proximity gap depend on the regime: see [`Regime`]. `docs/security.md` says what each is worth.

use plonky2::plonk::circuit_data::CommonCircuitData;

use crate::{D, F};

/// Up to which distance from the code FRI is assumed to be sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// δ = (1 - ρ) / 2, proven: the correlated-agreement theorems of Ben-Sasson, Carmon, Ishai, Kopparty, Saraf, "Proximity Gaps for
    /// Reed-Solomon Codes" (2020): a gap of n/ρ exceptional values a batched word. L = 1.
    UniqueDecoding,
    /// δ = 1 - √ρ (1 + 1/2m), proven: the list-decoding theorems of the same paper, with the m >= 3 that gives most bits.
    Johnson,
    /// δ up to the list-decoding capacity of random words, 1 - ρ - h(ρ) / log2 p^2: what is left of the conjecture "up to
    /// 1 - ρ", which Diamond and Gruen (ePrint 2025/2010) and Crites and Stewart (ePrint 2025/2046) have refuted.
    Conjectured,
}

/// The bits of each term: -log2 of its error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Soundness {
    /// The permutation argument.
    pub permutation: f64,
    /// The random combination of the constraints.
    pub combination: f64,
    /// The identity at ζ.
    pub quotient: f64,
    /// FRI's batching and folding.
    pub fri_commit: f64,
    /// FRI's queries with grinding.
    pub fri_query: f64,
}

const LOG2_P: f64 = 64.0;
const LOG2_EXTENSION: f64 = LOG2_P * D as f64;

impl Soundness {
    /// The bits of a circuit under a regime.
    #[must_use]
    pub fn of(common: &CommonCircuitData<F, D>, regime: Regime) -> Self {
        match regime {
            Regime::UniqueDecoding => {
                let rho = rate(common);
                Self::with(common, 1.0 - (1.0 - rho) / 2.0, 0.0, lde_bits(common))
            }
            Regime::Johnson => (3..=1 << 14)
                .map(|m| {
                    let (m, rho) = (f64::from(m), rate(common));
                    let agreement = rho.sqrt() * (1.0 + 1.0 / (2.0 * m));
                    let list = ((m + 0.5) / rho.sqrt()).log2();
                    let gap = 7.0 * (m + 0.5).log2() + 2.0 * lde_bits(common) - (3.0 * rho.powf(1.5)).log2();
                    Self::with(common, agreement, list, gap)
                })
                .max_by(|a, b| a.total().total_cmp(&b.total()))
                .unwrap_or_else(|| Self::of(common, Regime::UniqueDecoding)),
            Regime::Conjectured => {
                let rho = rate(common);
                let entropy = -rho * rho.log2() - (1.0 - rho) * (1.0 - rho).log2();
                Self::with(common, rho + entropy / LOG2_EXTENSION, 0.0, lde_bits(common))
            }
        }
    }

    /// `agreement` = 1 - δ, `list` = log2 L, `gap` = log2 of the exceptional values a pair of batched words.
    fn with(common: &CommonCircuitData<F, D>, agreement: f64, list: f64, gap: f64) -> Self {
        let config = &common.config;
        let c = config.num_challenges as f64;
        let n = common.degree_bits() as f64;
        let checks = config.num_challenges * (1 + common.num_partial_products + 1);
        let constraints = (common.num_gate_constraints + checks) as f64;
        let columns = common.num_constants
            + config.num_routed_wires
            + config.num_wires
            + config.num_challenges * (1 + common.num_partial_products + common.quotient_degree_factor);
        let folds: usize = common.fri_params.reduction_arity_bits.iter().map(|bits| (1 << bits) - 1).sum();
        let batched = (columns + config.num_challenges + folds) as f64;
        Self {
            permutation: c * (LOG2_P - n - (config.num_routed_wires as f64).log2()),
            combination: c * (LOG2_P - constraints.log2()),
            quotient: LOG2_EXTENSION - list - n - (common.quotient_degree_factor as f64).log2(),
            fri_commit: LOG2_EXTENSION - gap - batched.log2(),
            fri_query: config.fri_config.num_query_rounds as f64 * -agreement.log2()
                + f64::from(config.fri_config.proof_of_work_bits),
        }
    }

    /// The bits of the sum of all errors.
    #[must_use]
    pub fn total(&self) -> f64 {
        let terms = [self.permutation, self.combination, self.quotient, self.fri_commit, self.fri_query];
        -terms.iter().map(|bits| (-bits).exp2()).sum::<f64>().log2()
    }
}

fn rate(common: &CommonCircuitData<F, D>) -> f64 {
    (-(common.config.fri_config.rate_bits as f64)).exp2()
}

fn lde_bits(common: &CommonCircuitData<F, D>) -> f64 {
    (common.degree_bits() + common.config.fri_config.rate_bits) as f64
}

#[cfg(test)]
mod tests {
    use plonky2::plonk::circuit_builder::CircuitBuilder;
    use plonky2::plonk::circuit_data::CircuitConfig;
    use plonky2::plonk::config::PoseidonGoldilocksConfig;

    use super::*;

    fn common(config: CircuitConfig, rows: usize) -> CommonCircuitData<F, D> {
        let mut builder = CircuitBuilder::<F, D>::new(config);
        for _ in 0..rows {
            builder.add_gate(plonky2::gates::noop::NoopGate, vec![]);
        }
        builder.build::<PoseidonGoldilocksConfig>().common
    }

    #[test]
    fn standard_config_is_weaker_than_its_name_says() {
        let common = common(CircuitConfig::standard_recursion_config(), 1 << 11);
        assert_eq!(common.degree_bits(), 12);
        let unique = Soundness::of(&common, Regime::UniqueDecoding);
        assert!((unique.fri_query - 39.2).abs() < 0.1, "{unique:?}");
        assert!((unique.permutation - 91.4).abs() < 0.1, "{unique:?}");
        let conjectured = Soundness::of(&common, Regime::Conjectured);
        assert!((98.0..100.0).contains(&conjectured.fri_query), "{conjectured:?}");
        let johnson = Soundness::of(&common, Regime::Johnson);
        assert!((54.0..58.0).contains(&johnson.total()), "{johnson:?}");
    }

    #[test]
    fn third_challenge_and_more_queries_lift_the_whole() {
        let mut config = CircuitConfig::standard_recursion_config();
        config.num_challenges = 3;
        config.fri_config.num_query_rounds = 102;
        let total = Soundness::of(&common(config, 1 << 11), Regime::UniqueDecoding).total();
        assert!(total > 99.0, "{total}");
    }

    /// The table of `docs/security.md`: (layer, log2 of rows, of the blow-up, queries, grinding, height of caps) and the bits
    /// it names for the three regimes. Constants and constraints are those of an empty circuit; the real ones cost less
    /// than half a bit.
    #[test]
    fn the_layers_of_the_house() {
        for (layer, rows, rate, queries, grinding, cap, bits) in [
            ("chunk, node, gathering, root", 14, 3, 32, 16, 4, [42.6, 60.4, 102.7]),
            ("smallest audit piece", 13, 3, 32, 16, 4, [42.6, 60.9, 103.7]),
            ("largest audit piece", 15, 3, 32, 16, 4, [42.6, 59.9, 101.7]),
            ("shrink", 13, 4, 24, 16, 4, [37.9, 60.7, 102.7]),
            ("last", 12, 5, 19, 18, 0, [36.2, 62.0, 102.7]),
            ("proven: node", 15, 3, 102, 16, 4, [100.1, 68.1, 101.7]),
            ("proven: shrink", 13, 4, 93, 16, 4, [100.8, 68.7, 102.7]),
            ("proven: last", 12, 5, 86, 18, 0, [100.0, 67.2, 102.7]),
        ] {
            let mut config = CircuitConfig::standard_recursion_config();
            config.num_challenges = 3;
            config.security_bits = 10;
            config.fri_config.rate_bits = rate;
            config.fri_config.num_query_rounds = queries;
            config.fri_config.proof_of_work_bits = grinding;
            config.fri_config.cap_height = cap;
            let mut builder = CircuitBuilder::<F, D>::new(config);
            for _ in 0..1 << (rows - 1) {
                builder.add_gate(plonky2::gates::noop::NoopGate, vec![]);
            }
            let common = builder.mock_build::<PoseidonGoldilocksConfig>().common;
            assert_eq!(common.degree_bits(), rows);
            let regimes = [Regime::UniqueDecoding, Regime::Johnson, Regime::Conjectured];
            for (regime, expected) in regimes.into_iter().zip(bits) {
                let got = Soundness::of(&common, regime);
                assert!((got.total() - expected).abs() < 0.5, "{layer}, {regime:?}: {} {got:?}", got.total());
            }
        }
    }
}
