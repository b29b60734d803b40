//! L1: whether it answers, is the right chain, has randomness, and holds the rollup.

use janction_bindings::L1Error;

use super::Check;
use crate::config::Config;
use crate::failure::{Advice, Outcome};
use crate::l1;

/// Asks L1 and the rollup on it.
pub async fn checks(config: &Config) -> Vec<Check> {
    if config.l1.rollup.is_none() {
        return vec![Check::warning(
            "l1",
            "no rollup is configured",
            "set l1.rollup to the rollup's address, and l1.url",
        )];
    }
    let l1 = match l1::connect(config).await {
        Ok(l1) => l1,
        Err(failure) => return vec![Check::problem("l1", failure.message(), failure.remedy())],
    };
    let mut checks = vec![Check::ok("l1", format!("{} is on chain {}", l1.endpoint(), l1.chain_id()))];
    checks.push(match l1.check_randomness().await {
        Ok(()) => Check::ok("l1 prevrandao", "differs from block to block"),
        Err(error) => problem("l1 prevrandao", &error),
    });
    checks.push(match rollup(&l1).await {
        Ok(found) => Check::ok("rollup", found),
        Err(failure) => Check::problem("rollup", failure.message(), failure.remedy()),
    });
    checks
}

async fn rollup(l1: &janction_bindings::L1) -> Outcome<String> {
    let state = l1.state(None).await?;
    let srs = if l1.parameters().await?.development_srs { "development SRS" } else { "ceremony SRS" };
    Ok(format!("{}: {} batches, {} of them proven; {srs}", l1.rollup(), state.committed, state.proven))
}

fn problem(name: &'static str, error: &L1Error) -> Check {
    Check::problem(name, error.to_string(), error.remedy())
}
