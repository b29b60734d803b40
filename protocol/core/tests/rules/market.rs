//! A world with three staked units and a job, and a job's life as helpers.

use janction_protocol::Amount;
use janction_protocol::state::{Index, JobStatus};
use janction_protocol::transaction::*;

use crate::harness::*;

/// OWNER's unit, RIVAL's unit, OWNER's second unit.
pub const UNIT: Index = 5;
pub const RIVAL_UNIT: Index = 6;
pub const SECOND_UNIT: Index = 7;

/// The number of the secret of a unit's operator.
pub fn operator(unit: Index) -> u8 {
    10 + unit as u8
}

pub const JOB: Index = 1;
pub const BID_END: u64 = START + 60;
pub const REVEAL_END: u64 = START + 120;
pub const SUBMIT_END: u64 = START + 240;

pub fn job_fee() -> Amount {
    units(2000)
}

pub fn register(wallet: Index, unit: Index) -> Register {
    Register { fee: fee(), wallet, operator: key(operator(unit)), gpu_class: 90, vram: 81_559, region: 3 }
}

pub fn post_job() -> PostJob {
    PostJob {
        fee: fee(),
        developer: DEVELOPER,
        budget: jct(100),
        program: digest(1),
        audit_key: digest(2),
        input_root: digest(3),
        input_rows: 360,
        gpu_class: 80,
        vram: 1024,
        region: 0,
        reputation: 0,
        stake: jct(150),
        policy: 44,
        job_fee: job_fee(),
        bid_window: 60,
        reveal_window: 60,
        submit_window: 120,
        proving_window: 600,
        beacon_window: 900,
    }
}

pub fn salt(unit: Index) -> [u64; 4] {
    [unit.into(), 2, 3, (1 << 56) - 1]
}

pub fn seal_bid(unit: Index, job: Index, price: Amount) -> SealBid {
    SealBid { fee: fee(), unit, job, seal: seal(unit, job, price, salt(unit)) }
}

pub fn reveal_bid(unit: Index, job: Index, price: Amount) -> RevealBid {
    RevealBid { fee: fee(), unit, job, price, salt: salt(unit) }
}

pub fn submit(unit: Index, job: Index) -> Submit {
    Submit { fee: fee(), unit, job, trace_root: digest(4), output_root: digest(5) }
}

pub fn record_beacon(job: Index, time: u64) -> RecordBeacon {
    RecordBeacon { job, trace_root: digest(4), beacon: [1, 2, 3, (1 << 56) - 1], time }
}

pub fn settle(job: Index, price: Amount) -> Settle {
    Settle { fee: job_fee(), job, price, output_root: digest(5) }
}

pub fn expire(job: Index) -> Expire {
    Expire { fee: job_fee(), job }
}

impl World {
    /// Three units with 200 JCT of stake and 100 JCT of balance each.
    pub fn with_units() -> Self {
        let mut w = Self::new();
        for (wallet, unit) in [(OWNER, UNIT), (RIVAL, RIVAL_UNIT), (OWNER, SECOND_UNIT)] {
            assert_eq!(w.ok(register(wallet, unit)).account, Some(unit));
            w.know(unit, wallet as u8, Some(operator(unit)));
            w.ok(Transfer {
                fee: fee(),
                from: wallet,
                to: unit,
                value: units(jct(300).units() + fee().units()),
            });
            w.ok(Stake { fee: fee(), unit, value: jct(200) });
        }
        w
    }

    /// And a posted job.
    pub fn with_job(job: PostJob) -> Self {
        let mut w = Self::with_units();
        assert_eq!(w.ok(job).job, Some(JOB));
        w
    }

    /// And these seals, revealed in this order.
    pub fn with_bids(job: PostJob, bids: &[(Index, Amount)]) -> Self {
        let mut w = Self::with_job(job);
        for &(unit, price) in bids {
            w.ok(seal_bid(unit, JOB, price));
        }
        w.time = BID_END + 1;
        for &(unit, price) in bids {
            w.ok(reveal_bid(unit, JOB, price));
        }
        w
    }

    /// UNIT at 40 JCT against RIVAL_UNIT at 70 JCT.
    pub fn with_winner(job: PostJob) -> Self {
        let w = Self::with_bids(job, &[(UNIT, jct(40)), (RIVAL_UNIT, jct(70))]);
        assert_eq!((w.job(JOB).winner, w.job(JOB).second_price), (UNIT, jct(70)));
        w
    }

    /// And it has submitted.
    pub fn submitted(job: PostJob) -> Self {
        let mut w = Self::with_winner(job);
        w.time = REVEAL_END + 1;
        w.ok(submit(UNIT, JOB));
        w
    }

    /// And its proving window runs.
    pub fn proving() -> Self {
        let mut w = Self::submitted(post_job());
        w.time += 10;
        w.run(&[], &[], &[record_beacon(JOB, REVEAL_END + 5)]);
        assert_eq!(w.job(JOB).status, JobStatus::Proving);
        w
    }
}
