//! What happens in a demonstration, in order.

use super::cheat;
use super::consumer;
use super::house::Folders;
use super::kill::Kills;
use super::market::{self, Plan};
use super::money::{self, Last, Withdrawal};
use super::people::{JCT, Person, Unit, units};
use super::proof;
use super::report::Report;
use super::scene::Scene;
use super::stage::Stages;
use super::{Cheat, Options, progress};
use crate::config::Config;
use crate::failure::Outcome;

/// What the sequencer's operator pays in, so that there is an account for fees.
const OPERATOR: u64 = JCT;
/// What the developer pays in.
const DEVELOPER: u64 = 100 * JCT;
/// What each unit's owner pays in.
const OWNER: u64 = 40 * JCT;
/// What each unit stakes.
pub const STAKE: u64 = 30 * JCT;
/// The least that each unit works for.
pub const PRICES: [u64; 2] = [4 * JCT, 6 * JCT];
/// The model that the developer has run first, sampled.
const SAMPLED: Plan = Plan {
    model: "mlp_64_32_10",
    scheme: "rows",
    policy: "rows:176",
    budget: 10 * JCT,
    proving_window: 1_800,
};
/// Another architecture, compiled after the deployment, committed to by sketches of 32 rows, checked in full.
const FULL: Plan = Plan {
    model: "mlp_64_48_24_10",
    scheme: "sketch:32",
    policy: "full",
    budget: 9 * JCT,
    proving_window: 1_800,
};
/// Runs it.
///
/// # Errors
/// Whatever keeps it from its end. Equalities that do not hold are in the report instead.
pub async fn run(
    folders: &Folders,
    base: &Config,
    stages: &mut Stages,
    options: &Options,
) -> Outcome<Report> {
    let mut report = Report::default();

    stages.begin("deploy", "Starting L1, deploying JCT, verifier and rollup; starting the sequencer");
    let mut scene = Scene::open(folders, base).await?;

    stages.begin("deposit", "Developer and owners deposit JCT on L1");
    let mut people = Vec::new();
    let mut paid_in = Vec::new();
    for (index, name) in names(options.cheat).iter().enumerate() {
        let mut person = Person::new(&scene.cli, &scene.config, name, index).await?;
        let amount = [OPERATOR, DEVELOPER].get(index).copied().unwrap_or(OWNER);
        money::deposit(&mut scene, &mut person, amount, &mut report).await?;
        paid_in.push(amount);
        people.push(person);
    }
    let (developer, owners) = (people[1].clone(), &people[2..]);
    money::transfer(&scene, &developer, &owners[0]).await?;

    stages.begin("register", "Units register with the hardware that is found, and stake");
    let mut units_: Vec<Unit> = Vec::new();
    for owner in owners {
        units_.push(market::register(&scene, owner, STAKE).await?);
    }
    market::start_audit_prover(&mut scene)?;

    let mut withdrawals = Vec::new();
    let mut last = Last::default();
    if options.cheat != Cheat::Only {
        (withdrawals, last) =
            honest_jobs(&mut scene, stages, &developer, &units_[..2], options, &mut report).await?;
        withdrawals.iter().for_each(|withdrawal| last.at_least(withdrawal.last()));
    }
    if options.cheat != Cheat::No {
        last.at_least(cheat::run(&mut scene, stages, &developer, &units_, options, &mut report).await?);
    }

    stages.begin("prove", "Proving the batches and the audits, verifying the proof on L1");
    proof::start(&mut scene)?;
    proof::proven(&mut scene, stages, &last.id, options.kill, &mut report).await?;

    stages.begin("claim", "The winners' owners claim on L1");
    let mut claimed = 0;
    for person in &people {
        // One unit may have won both jobs: its owner then claims both prices at once.
        let own: Vec<&Withdrawal> = withdrawals.iter().filter(|w| w.person.name == person.name).collect();
        if own.is_empty() {
            continue;
        }
        let owed = own.iter().map(|withdrawal| withdrawal.amount).sum();
        let gained = money::claim(&mut scene, person, owed, &mut report).await?;
        claimed += gained;
        for withdrawal in own {
            if let Some(job) = report.jobs.iter_mut().find(|job| job.job == withdrawal.job) {
                job.l1_payout = if gained == owed { withdrawal.amount } else { 0 };
            }
        }
    }
    proof::chain(&mut scene, &mut report, last.batch, money::held(&paid_in, claimed)).await?;
    consumer::read_outputs(&mut scene, &mut report).await?;

    stages.begin("audit", "Auditing from L1 data and job binaries alone; rebuilding all keys");
    proof::audit(&scene, &mut report).await?;

    for name in [market::AUDIT_PROVER, proof::PROVER] {
        report.proving.extend(progress::seconds(&folders.logs.join(format!("{name}.log"))));
    }
    for process in scene.processes() {
        if let Some(bytes) = process.peak_bytes() {
            report.peaks.insert(process.name.clone(), bytes);
        }
    }
    stages.end();
    Ok(report)
}

/// Who takes part: the sequencer's operator, the developer, the units' owners.
fn names(cheat: Cheat) -> &'static [&'static str] {
    match cheat {
        Cheat::No => &["sam", "dora", "alice", "bob"],
        Cheat::Only => &["sam", "dora", "bob", "mallory"],
        Cheat::Too => &["sam", "dora", "alice", "bob", "mallory"],
    }
}

/// Two jobs of two models: posted, bid for, run, audited, settled; the winners' owners withdraw what was earned.
async fn honest_jobs(
    scene: &mut Scene,
    stages: &mut Stages,
    developer: &Person,
    units_: &[Unit],
    options: &Options,
    report: &mut Report,
) -> Outcome<(Vec<Withdrawal>, Last)> {
    stages.begin("estimate", "The developer compiles two models and has their jobs estimated");
    let (sampled, full) = tokio::try_join!(market::estimate(scene, SAMPLED), market::estimate(scene, FULL))?;
    stages.begin("post", "The developer posts two jobs");
    for (unit, price) in units_.iter().zip(PRICES) {
        market::start_worker(scene, unit, price, None)?;
    }
    let mut jobs = Vec::new();
    // Both units make both jobs' keys at once.
    let window = sampled.window(1.5, options.kill);
    jobs.push(market::post(scene, developer, SAMPLED, &sampled, window).await?);
    // One unit wins the first job and runs it; the other can have the second one afterwards, so its bids are open for
    // longer.
    let now = scene.client.info().await?.l1.map_or(0, |l1| l1.head_time);
    let rest = jobs[0].reveal_end.saturating_sub(now) as u32;
    let window = rest + full.window(0.5, options.kill);
    jobs.push(market::post(scene, developer, FULL, &full, window).await?);
    stages.begin("jobs", "Units bid, win, run and submit; audits are proven");
    let workers: Vec<String> = units_.iter().map(Unit::process).collect();
    let mut kills = if options.kill { Kills::all(&workers) } else { Kills::none() };
    let views = market::follow(scene, stages, &jobs, &mut kills, report).await?;

    stages.begin("withdraw", "The winners' owners withdraw what their units earned");
    let (mut withdrawals, mut last) = (Vec::new(), Last::default());
    for (job, view) in jobs.iter().zip(&views) {
        last.at_least(market::end(view));
        let described = market::describe(scene, job, view, units_, report).await?;
        report.checks.equal(
            format!("job {} is settled", job.index),
            "Settled".to_owned(),
            format!("{:?}", view.job.status),
        );
        // Bids are the operators' true costs; who wins is paid the next higher one, or the budget when alone.
        let alone = described.bids < 2;
        let expected = if alone { job.plan.budget } else { PRICES[1] };
        report.checks.equal(
            format!("price of job {} is the second price", job.index),
            units(expected),
            units(described.price),
        );
        if let Some(unit) = units_.iter().find(|unit| unit.account == view.job.winner) {
            withdrawals.push(money::withdraw(scene, unit, job.index, described.price).await?);
        }
        report.jobs.push(described);
    }
    Ok((withdrawals, last))
}
