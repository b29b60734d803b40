//! Where the fields of a leaf stand: the tables of section 2 of `docs/protocol.md`.

/// Indices of an account leaf's elements.
pub mod account {
    /// 0 empty, 1 wallet, 2 worker unit.
    pub const KIND: usize = 0;
    /// Five elements.
    pub const OWNER: usize = 1;
    /// Five elements.
    pub const OPERATOR: usize = 6;
    /// Three limbs.
    pub const ADDRESS: usize = 11;
    /// Money at hand.
    pub const BALANCE: usize = 14;
    /// Signed transactions so far.
    pub const NONCE: usize = 15;
    /// Stake, the locked part included.
    pub const STAKE: usize = 16;
    /// The part that a job holds.
    pub const LOCKED: usize = 17;
    /// That job.
    pub const LOCK_JOB: usize = 18;
    /// The end of its reveal window, while the seal is closed.
    pub const LOCK_EXPIRY: usize = 19;
    /// Compute capability times ten.
    pub const GPU_CLASS: usize = 20;
    /// MiB.
    pub const VRAM: usize = 21;
    /// Region.
    pub const REGION: usize = 22;
    /// Jobs settled.
    pub const REPUTATION: usize = 23;
    /// Four elements.
    pub const SEAL: usize = 24;
    /// The wallet that registered the unit.
    pub const OWNER_ACCOUNT: usize = 28;

    /// [`KIND`] of a wallet.
    pub const WALLET: u64 = 1;
    /// [`KIND`] of a unit.
    pub const UNIT: u64 = 2;
}

/// Indices of a job leaf's elements.
pub mod job {
    /// Where the job stands.
    pub const STATUS: usize = 0;
    /// The developer's wallet.
    pub const OWNER: usize = 1;
    /// The developer's nonce when it was posted.
    pub const NONCE: usize = 2;
    /// Four elements.
    pub const PROGRAM: usize = 3;
    /// Four elements.
    pub const AUDIT_KEY: usize = 7;
    /// Four elements.
    pub const INPUT_ROOT: usize = 11;
    /// At least 1.
    pub const INPUT_ROWS: usize = 15;
    /// Least GPU class.
    pub const GPU_CLASS: usize = 16;
    /// Least VRAM.
    pub const VRAM: usize = 17;
    /// Region, 0 for any.
    pub const REGION: usize = 18;
    /// Least reputation.
    pub const REPUTATION: usize = 19;
    /// Stake that a bid locks.
    pub const STAKE: usize = 20;
    /// 0: `full`; s > 0: `rows(s)`.
    pub const POLICY: usize = 21;
    /// The highest price.
    pub const BUDGET: usize = 22;
    /// Fee of the step that ends the job.
    pub const FEE: usize = 23;
    /// Seals until here.
    pub const BID_END: usize = 24;
    /// Reveals until here.
    pub const REVEAL_END: usize = 25;
    /// `Submit` until here.
    pub const SUBMIT_END: usize = 26;
    /// Seconds.
    pub const PROVING_WINDOW: usize = 27;
    /// Seconds.
    pub const BEACON_WINDOW: usize = 28;
    /// The winner's price.
    pub const BEST_PRICE: usize = 29;
    /// What the winner is paid.
    pub const SECOND_PRICE: usize = 30;
    /// 0: none yet.
    pub const WINNER: usize = 31;
    /// 0: none below the budget.
    pub const RUNNER_UP: usize = 32;
    /// Four elements.
    pub const TRACE_ROOT: usize = 33;
    /// Four elements.
    pub const OUTPUT_ROOT: usize = 37;
    /// Time of the `Submit`'s batch.
    pub const SUBMIT_TIME: usize = 41;
    /// Number of that batch.
    pub const SUBMIT_BATCH: usize = 42;
    /// Four limbs.
    pub const BEACON: usize = 43;
    /// L1 time of its record.
    pub const BEACON_TIME: usize = 47;
    /// The job's next step is due until here.
    pub const DEADLINE: usize = 48;

    /// [`STATUS`]: posted.
    pub const POSTED: u64 = 1;
    /// [`STATUS`]: submitted, beacon awaited.
    pub const SUBMITTED: u64 = 2;
    /// [`STATUS`]: proving.
    pub const PROVING: u64 = 3;
    /// [`STATUS`]: settled.
    pub const SETTLED: u64 = 4;
    /// [`STATUS`]: expired.
    pub const EXPIRED: u64 = 5;
}
