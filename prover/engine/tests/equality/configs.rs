//! Random parameters of circuits.

use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::plonk::circuit_data::CircuitConfig;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The standard configuration with less proof of work: the CPU that stands in for a GPU would grind for seconds.
pub fn standard() -> CircuitConfig {
    let mut config = CircuitConfig::standard_recursion_config();
    config.fri_config.proof_of_work_bits = 6;
    config.security_bits = 1;
    config
}

/// The standard configuration with its FRI parameters and its count of challenges drawn.
pub fn random(rng: &mut ChaCha8Rng) -> CircuitConfig {
    let mut config = standard();
    config.num_challenges = rng.random_range(1..4);
    config.security_bits = 1;
    config.fri_config.rate_bits = rng.random_range(3..6);
    config.fri_config.cap_height = rng.random_range(0..5);
    config.fri_config.proof_of_work_bits = rng.random_range(0..12);
    config.fri_config.num_query_rounds = rng.random_range(1..20);
    config.fri_config.reduction_strategy = match rng.random_range(0..3) {
        0 => FriReductionStrategy::ConstantArityBits(rng.random_range(1..5), rng.random_range(1..6)),
        1 => FriReductionStrategy::MinSize(None),
        _ => FriReductionStrategy::Fixed(vec![1; rng.random_range(0..2)]),
    };
    config
}
