//! The winner cheats: it falsifies rows of one layer and commits to the false trace. No proof exists, nothing is paid,
//! the developer is refunded and the unit slashed.

use janction_protocol::Amount;

use super::kill::Kills;
use super::market::{self, Plan};
use super::money::Last;
use super::people::{JCT, Person, Unit, units};
use super::report::Report;
use super::scene::Scene;
use super::stage::Stages;
use super::story::{PRICES, STAKE};
use super::{Cheat, DemoError, Options};
use crate::failure::Outcome;

/// The job that the cheat wins. Its proving window is short, since nobody can prove it.
const PLAN: Plan =
    Plan { model: "mlp_64_32_10", scheme: "rows", policy: "full", budget: 8 * JCT, proving_window: 60 };
/// The least that the cheat asks: less than the honest ones.
const PRICE: u64 = 3 * JCT;

/// Runs the job to its end; the step that ends it.
///
/// # Errors
/// Whatever keeps it from its end. Equalities that do not hold are in the report instead.
pub async fn run(
    scene: &mut Scene,
    stages: &mut Stages,
    developer: &Person,
    all: &[Unit],
    options: &Options,
    report: &mut Report,
) -> Outcome<Last> {
    stages.begin("cheat", "A cheat bids for a job under `full`, wins, and falsifies rows of one layer");
    let Some((cheat, honest)) = all.split_last() else {
        return Err(DemoError::Unreadable { what: "the units", reason: "there is none".into() }.into());
    };
    let layer = market::first_layer(scene, PLAN).await?;
    let estimate = market::estimate(scene, PLAN).await?;
    market::start_worker(scene, cheat, PRICE, Some(&layer))?;
    if options.cheat == Cheat::Only {
        market::start_worker(scene, &honest[0], PRICES[1], None)?;
    }
    let before = scene.client.wallet(developer.key).await?.account.balance.units();
    let burned = scene.client.info().await?.burned;
    let posted = market::post(scene, developer, PLAN, &estimate, estimate.window(4.0, options.kill)).await?;
    let views =
        market::follow(scene, stages, std::slice::from_ref(&posted), &mut Kills::none(), report).await?;
    let view = &views[0];
    let mut described = market::describe(scene, &posted, view, all, report).await?;

    let checks = &mut report.checks;
    let index = posted.index;
    checks.equal(format!("job {index} is expired"), "Expired".to_owned(), format!("{:?}", view.job.status));
    checks.equal(format!("winner of job {index} is the cheat"), cheat.account, view.job.winner);
    let fault = described.fault.clone().unwrap_or_default();
    checks.equal(
        format!("the prover names the false operation and row of job {index}"),
        true,
        fault.contains(&layer) && fault.contains(&market::FALSE_ROWS[0].to_string()),
    );
    // Refunded: the budget and an eighth of the bond, less the two fees.
    let bond = view.job.stake.units();
    let share = bond / 8;
    let after = scene.client.wallet(developer.key).await?.account.balance.units();
    let fee = scene.client.info().await?.minimum_fee * POST_BLOCKS / TRANSFER_BLOCKS;
    checks.equal(
        "the developer is refunded, with an eighth of the bond, less fees",
        units(before + share - fee - view.job.fee.units()),
        units(after),
    );
    let unit = scene.client.owned(cheat.owner.key, cheat.account).await?.account;
    checks.equal("the cheat's unit lost its bond", units(STAKE - bond), unit.stake);
    checks.equal("nothing of it is locked any more", Amount::ZERO, unit.locked);
    let burned = scene.client.info().await?.burned - burned;
    checks.equal("the rest of the bond is burned", units(bond - share), units(burned));
    described.slashed = bond;
    report.jobs.push(described);

    Ok(market::end(view))
}

/// Blocks of a `PostJob` and of the transaction that the sequencer's minimum fee is quoted for.
const POST_BLOCKS: u64 = 4;
const TRANSFER_BLOCKS: u64 = 1;
