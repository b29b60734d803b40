//! Random interleavings of all kinds: whatever happens, money is conserved, locks are sound, the auditor follows and the
//! witnesses replay (the harness checks all of it after every batch).

use janction_protocol::Address;
use janction_protocol::state::{Index, Job, JobStatus};
use janction_protocol::transaction::*;
use proptest::prelude::*;

use crate::harness::*;
use crate::market::*;

/// A step of a random life. Accounts and jobs are drawn a little beyond those that exist.
#[derive(Clone, Debug)]
enum Act {
    Send(Draft),
    Deposit(Index, u8, u64),
    Beacon(Index, bool),
    /// Closes the batch; the next one is so many seconds later.
    Close(u64),
}

#[derive(Clone, Debug)]
enum Draft {
    Transfer(Index, Index, u64),
    Withdraw(Index, u64),
    Register(Index),
    Stake(Index, u64),
    Unstake(Index, u64),
    Post(Index, u64, bool),
    Seal(Index, Index, u64),
    Reveal(Index, Index, u64),
    Forfeit(Index, Index),
    Submit(Index, Index),
    Settle(Index),
    Expire(Index),
}

fn act() -> impl Strategy<Value = Act> {
    let account = 0..10u32;
    let unit = prop_oneof![6 => 5..8u32, 1 => 4..9u32];
    let job = prop_oneof![6 => 1..3u32, 1 => 0..5u32];
    let whole = 0..200u64;
    let price = (0..4u64).prop_map(|p| p * 35);
    let send = prop_oneof![
        1 => (account.clone(), account.clone(), whole.clone()).prop_map(|(a, b, v)| Draft::Transfer(a, b, v)),
        1 => (account.clone(), whole.clone()).prop_map(|(a, v)| Draft::Withdraw(a, v)),
        1 => account.prop_map(Draft::Register),
        1 => (unit.clone(), whole.clone()).prop_map(|(u, v)| Draft::Stake(u, v)),
        1 => (unit.clone(), whole).prop_map(|(u, v)| Draft::Unstake(u, v)),
        2 => (1..6u32, 0..120u64, any::<bool>()).prop_map(|(a, b, full)| Draft::Post(a, b, full)),
        6 => (unit.clone(), job.clone(), price.clone()).prop_map(|(u, j, p)| Draft::Seal(u, j, p)),
        6 => (unit.clone(), job.clone(), price).prop_map(|(u, j, p)| Draft::Reveal(u, j, p)),
        2 => (unit.clone(), job.clone()).prop_map(|(u, j)| Draft::Forfeit(u, j)),
        4 => (unit, job.clone()).prop_map(|(u, j)| Draft::Submit(u, j)),
        4 => job.clone().prop_map(Draft::Settle),
        2 => job.clone().prop_map(Draft::Expire),
    ];
    let seconds = prop_oneof![9 => 15..45u64, 1 => 60..70u64, 1 => 500..700u64];
    prop_oneof![
        10 => send.prop_map(Act::Send),
        1 => (0..10u32, 1..10u8, 0..50u64).prop_map(|(hint, n, v)| Act::Deposit(hint, n, v)),
        2 => (job, prop::bool::weighted(0.8)).prop_map(|(job, right)| Act::Beacon(job, right)),
        3 => seconds.prop_map(Act::Close),
    ]
}

/// The first job that the act fits, else the one that was drawn.
fn pick(w: &World, drawn: Index, fits: impl Fn(&Job) -> bool) -> Index {
    // An odd one out keeps to what was drawn, so that jobs that do not fit are tried, too.
    if drawn.is_multiple_of(4) {
        return drawn;
    }
    w.ledger.jobs().find(|(_, job)| fits(job)).map_or(drawn, |(index, _)| index)
}

/// A transaction that has a chance: it mostly aims at a job that it fits, with the price that fits.
fn draft(w: &World, draft: &Draft) -> Transaction {
    let fee = fee();
    match *draft {
        Draft::Transfer(from, to, v) => Transfer { fee, from, to, value: jct(v) }.into(),
        Draft::Withdraw(account, v) => {
            Withdraw { fee, account, value: jct(v), address: Address([account as u8; 20]) }.into()
        }
        Draft::Register(wallet) => register(wallet, UNIT).into(),
        Draft::Stake(unit, v) => Stake { fee, unit, value: jct(v) }.into(),
        Draft::Unstake(unit, v) => Unstake { fee, unit, value: jct(v) }.into(),
        Draft::Post(developer, budget, full) => {
            let policy = if full { 0 } else { 44 };
            PostJob { developer, budget: jct(budget), policy, ..post_job() }.into()
        }
        Draft::Seal(unit, job, price) => {
            let job = pick(w, job, |j| j.status == JobStatus::Posted && w.time <= j.bid_end);
            seal_bid(unit, job, jct(price)).into()
        }
        Draft::Reveal(unit, job, price) => {
            let job = if w.account(unit).lock_job != 0 { w.account(unit).lock_job } else { job };
            let sealed = w.account(unit).seal;
            let known = (0..4).map(|p| jct(p * 35)).find(|&p| seal(unit, job, p, salt(unit)) == sealed);
            reveal_bid(unit, job, known.unwrap_or(jct(price))).into()
        }
        Draft::Forfeit(unit, job) => {
            let job = if w.account(unit).lock_job != 0 { w.account(unit).lock_job } else { job };
            Forfeit { fee: w.job(job).fee, unit, job }.into()
        }
        Draft::Submit(unit, job) => {
            let job =
                pick(w, job, |j| j.status == JobStatus::Posted && j.winner != 0 && w.time > j.reveal_end);
            let winner = w.job(job).winner;
            submit(if winner == 0 { unit } else { winner }, job).into()
        }
        Draft::Settle(job) => {
            let job = pick(w, job, |j| j.status == JobStatus::Proving);
            settle(job, w.job(job).second_price).into()
        }
        Draft::Expire(job) => expire(job).into(),
    }
}

#[derive(Debug)]
struct Reached {
    settled: usize,
    expired: usize,
    burned: bool,
}

fn live(acts: Vec<Act>) -> Reached {
    let mut w = World::with_units();
    // Jobs that the acts can play with from the start.
    w.ok(post_job());
    w.ok(PostJob { policy: 0, developer: RIVAL, ..post_job() });
    let (mut l1, mut beacons, mut sent): (Vec<_>, Vec<_>, Vec<_>) = Default::default();
    for act in acts.into_iter().chain([Act::Close(0)]) {
        match act {
            Act::Send(d) => {
                // The second of one account in one batch has a used nonce, another way to be refused.
                let transaction = draft(&w, &d);
                sent.push(w.sign(transaction));
            }
            Act::Deposit(hint, n, v) => l1.push(Deposit { hint, key: key(n), value: jct(v) }),
            Act::Beacon(job, right) => {
                let job = pick(&w, job, |j| j.status == JobStatus::Submitted);
                let trace_root = if right { digest(4) } else { digest(9) };
                beacons.push(RecordBeacon { trace_root, ..record_beacon(job, w.time) });
            }
            Act::Close(seconds) => {
                w.offer(&sent, &l1, &beacons);
                (l1, beacons, sent) = Default::default();
                w.time += seconds;
            }
        }
    }
    let count = |status| w.ledger.jobs().filter(|(_, job)| job.status == status).count();
    Reached { settled: count(JobStatus::Settled), expired: count(JobStatus::Expired), burned: w.burned() > 0 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn money_is_conserved_and_locks_are_sound(acts in prop::collection::vec(act(), 1..80)) {
        live(acts);
    }
}

/// The acts above do reach the ends of jobs: a random walk that only ever met refusals would prove nothing.
#[test]
fn random_lives_reach_the_ends() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let lives = prop::collection::vec(act(), 60..120);
    let reached: Vec<Reached> =
        (0..24).map(|_| live(lives.new_tree(&mut runner).unwrap().current())).collect();
    assert!(reached.iter().any(|r| r.settled > 0), "some job is settled: {reached:?}");
    assert!(reached.iter().any(|r| r.expired > 0), "some job expires");
    assert!(reached.iter().any(|r| r.burned), "some stake is burned");
}
