//! `janction prover earnings`: what proofs have been paid, read from L1 alone.

use alloy::primitives::{Address as L1Address, U256};
use clap::Subcommand;
use janction_bindings::Reward;
use janction_protocol::{Address, Amount};
use serde_json::{Value, json};

use crate::calibrate;
use crate::config::{Config, ConfigError};
use crate::failure::Outcome;
use crate::l1::{self, WEI_PER_UNIT};
use crate::output::{Output, columns, table};
use crate::progress::Progress;

/// The subcommands of `prover`.
#[derive(Debug, Subcommand)]
pub enum ProverAction {
    /// What proofs have been paid on L1
    #[command(after_help = "Examples:
  janction prover earnings
  janction prover earnings --payee 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --json

Only L1 is asked, from l1.first_block on. The reward of a batch is fixed by the deployment and comes from a pool; when
the pool is empty, proofs are still accepted and pay nothing.")]
    Earnings {
        /// Who was paid [default: prover.payee]
        #[arg(long, value_name = "ADDRESS")]
        payee: Option<Address>,
    },
    /// What a job must pay for its proofs, from what an hour of this machine costs
    #[command(after_help = calibrate::EXAMPLES)]
    Calibrate(calibrate::Options),
}

/// Lists and sums the rewards of a payee.
///
/// # Errors
/// No payee, L1 does not answer.
pub async fn earnings(config: &Config, output: Output, payee: Option<Address>) -> Outcome {
    let payee = match payee {
        Some(payee) => payee,
        None if config.prover.payee.is_none() => {
            return Err(ConfigError::Missing { key: "prover.payee" }.into());
        }
        None => config.prover()?.payee,
    };
    let payee = L1Address::from(payee.0);
    let l1 = l1::connect(config).await?;
    let bar = Progress::spinner(output, "reading L1");
    let head = l1.head().await?.number;
    let mut paid = Vec::new();
    let step = config.l1.max_block_range.max(1);
    let mut from = config.l1.first_block;
    while from <= head {
        let to = head.min(from.saturating_add(step - 1));
        paid.extend(l1.rewards(from, to, Some(payee)).await?);
        from = to + 1;
    }
    let (rate, pool) = (l1.parameters().await?.prover_reward, l1.state(None).await?.reward_pool);
    drop(bar);
    let total = paid.iter().fold(U256::ZERO, |sum, p| sum.saturating_add(p.amount));
    let batches: u64 = paid.iter().map(|p| p.last - p.first + 1).sum();
    let value = json!({
        "payee": payee,
        "proofs": paid.len(),
        "batches": batches,
        "total_wei": total.to_string(),
        "reward_per_batch_wei": rate.to_string(),
        "reward_pool_wei": pool.to_string(),
        "ranges": paid.iter().map(describe).collect::<Vec<_>>(),
    });
    output.print(&value, |_| {
        let mut text = columns(&[
            ("payee", payee.to_string()),
            ("proofs", format!("{}, of {batches} batches", paid.len())),
            ("earned", jct(total)),
            ("reward", format!("{} a batch; the pool holds {}", jct(rate), jct(pool))),
        ]);
        if !paid.is_empty() {
            let rows = paid.iter().map(|p| {
                let range = format!("{} to {}", p.first, p.last);
                vec![range, jct(p.amount), p.block.to_string(), p.transaction.to_string()]
            });
            text += &format!("\n{}", table(&["batches", "reward", "L1 block", "transaction"], rows));
        }
        text
    });
    Ok(())
}

fn describe(reward: &Reward) -> Value {
    json!({
        "first": reward.first,
        "last": reward.last,
        "reward_wei": reward.amount.to_string(),
        "block": reward.block,
        "transaction": reward.transaction,
    })
}

/// Wei of JCT in words.
fn jct(wei: U256) -> String {
    let (units, rest) = wei.div_rem(U256::from(WEI_PER_UNIT));
    match u64::try_from(units).ok().and_then(|units| Amount::new(units).ok()) {
        Some(amount) if rest.is_zero() => format!("{amount} JCT"),
        _ => format!("{wei} wei of JCT"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wei_are_shown_exactly() {
        assert_eq!(jct(U256::from(1_500_000_000_000_000_000u64)), "1.5 JCT");
        assert_eq!(jct(U256::from(7)), "7 wei of JCT");
        assert_eq!(jct(U256::MAX), format!("{} wei of JCT", U256::MAX));
        assert_eq!(jct(U256::ZERO), "0 JCT");
    }
}
