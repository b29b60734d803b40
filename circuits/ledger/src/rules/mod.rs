//! The rules: one file per kind, named and ordered as natively.
//!
//! A rule adds, under its kind's flag, to what the step does: which leaves it opens, what becomes of them, and what must
//! hold. `Noop` has no rule: with no other flag set nothing is added, so nothing changes.

mod close;
mod deposit;
mod expire;
mod forfeit;
mod open;
mod post_job;
mod record_beacon;
mod register;
mod reveal_bid;
mod seal_bid;
mod settle;
mod stake;
mod submit;
mod transfer;
mod unstake;
mod withdraw;

pub use open::Opened;
pub use settle::append_claim;

use janction_aggregate::config::{Builder, F};
use janction_aggregate::run::RunTargets;
use janction_gadgets::uint::{AMOUNT_BITS, is_zero, range_check};
use janction_protocol::state::{ACCOUNT_ELEMENTS, JOB_ELEMENTS};
use janction_protocol::stream::{Kind, Signer};
use janction_protocol::transition::OPERATOR_FEE_MAX;
use plonky2::field::types::Field;
use plonky2::iop::target::{BoolTarget, Target};

use crate::kind::Flags;
use crate::layout::Layout;
use crate::leaf::{account, job};
use crate::slot::{Change, Sum, assert_zero_if};
use crate::stream::Fields;

/// Comparisons that a rule needs at most; rules share them, since only one applies.
const COMPARISONS: usize = 7;

/// What the rules see.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Which kind the step is.
    pub flags: &'a Flags,
    /// What its blocks say.
    pub fields: &'a Fields,
    /// The run state before it.
    pub run: &'a RunTargets,
    /// Slot A's leaf.
    pub a: &'a [Target; ACCOUNT_ELEMENTS],
    /// Slot B's leaf.
    pub b: &'a [Target; ACCOUNT_ELEMENTS],
    /// Slot J's leaf.
    pub j: &'a [Target; JOB_ELEMENTS],
    /// The low three bits of A's locked stake, least significant first (for `Expire`).
    pub locked_bits: &'a [BoolTarget; 3],
}

impl Context<'_> {
    fn is(&self, kind: Kind) -> BoolTarget {
        self.flags.is(kind)
    }
}

/// What the rules of a step add up to.
#[derive(Clone, Debug)]
pub struct Effects {
    /// Index of slot A.
    pub a_index: Sum,
    /// Index of slot B.
    pub b_index: Sum,
    /// Index of slot J.
    pub j_index: Sum,
    /// Change of slot A's leaf.
    pub a: Change<ACCOUNT_ELEMENTS>,
    /// Change of slot B's leaf.
    pub b: Change<ACCOUNT_ELEMENTS>,
    /// Change of slot J's leaf.
    pub j: Change<JOB_ELEMENTS>,
    /// JCT destroyed.
    pub burned: Sum,
    /// 1 when slot B took the next free account index.
    pub account_created: Sum,
    /// 1 when slot J took the next free job index.
    pub job_created: Sum,
    comparisons: [Sum; COMPARISONS],
}

impl Effects {
    const fn none() -> Self {
        let none = Sum::none();
        Self {
            a_index: none,
            b_index: none,
            j_index: none,
            a: Change::none(),
            b: Change::none(),
            j: Change::none(),
            burned: none,
            account_created: none,
            job_created: none,
            comparisons: [none; COMPARISONS],
        }
    }

    /// Enforces, when `flag` is 1, that `x` is not negative. `slot` is one that no other comparison of the same kind uses.
    /// The caller must ensure that x is the difference of two integers below 2^62.
    fn at_least_zero(&mut self, b: &mut Builder, slot: usize, flag: BoolTarget, x: Target) {
        self.comparisons[slot].add_if(b, flag, x);
    }

    /// Enforces `x <= y` when `flag` is 1; both below 2^62.
    fn at_most(&mut self, b: &mut Builder, slot: usize, flag: BoolTarget, x: Target, y: Target) {
        let difference = b.sub(y, x);
        self.at_least_zero(b, slot, flag, difference);
    }

    /// Enforces `x < y` when `flag` is 1; both below 2^62.
    fn less(&mut self, b: &mut Builder, slot: usize, flag: BoolTarget, x: Target, y: Target) {
        let difference = b.sub(y, x);
        let difference = b.add_const(difference, F::NEG_ONE);
        self.at_least_zero(b, slot, flag, difference);
    }

    /// Enforces `after < time <= until` when `flag` is 1, in two slots from `slot` on.
    fn window(&mut self, b: &mut Builder, slot: usize, flag: BoolTarget, [after, time, until]: [Target; 3]) {
        self.less(b, slot, flag, after, time);
        self.at_most(b, slot + 1, flag, time, until);
    }

    /// Enforces that the fee is one that an operator may pay.
    fn operator_fee(&mut self, b: &mut Builder, slot: usize, flag: BoolTarget, fee: Target) {
        let most = b.constant(F::from_canonical_u64(OPERATOR_FEE_MAX));
        self.at_most(b, slot, flag, fee, most);
    }

    /// Enforces that A meets J's requirements, in three slots from `slot` on.
    fn eligible(&mut self, b: &mut Builder, slot: usize, flag: BoolTarget, c: &Context) {
        let pairs = [
            (job::GPU_CLASS, account::GPU_CLASS),
            (job::VRAM, account::VRAM),
            (job::REPUTATION, account::REPUTATION),
        ];
        for (i, (needs, has)) in pairs.into_iter().enumerate() {
            self.at_most(b, slot + i, flag, c.j[needs], c.a[has]);
        }
        // Any region, or the unit's own.
        let difference = b.sub(c.a[account::REGION], c.j[job::REGION]);
        let product = b.mul(difference, c.j[job::REGION]);
        assert_zero_if(b, flag, product);
    }
}

/// Enforces `x = y` when `flag` is 1.
fn equal_if(b: &mut Builder, flag: BoolTarget, x: Target, y: Target) {
    let difference = b.sub(x, y);
    assert_zero_if(b, flag, difference);
}

/// Enforces `x = constant` when `flag` is 1.
fn is_if(b: &mut Builder, flag: BoolTarget, x: Target, constant: u64) {
    let difference = b.add_const(x, -F::from_canonical_u64(constant));
    assert_zero_if(b, flag, difference);
}

/// Enforces `x != 0` when `flag` is 1.
fn nonzero_if(b: &mut Builder, flag: BoolTarget, x: Target) {
    let zero = is_zero(b, x);
    assert_zero_if(b, flag, zero.target);
}

/// Drops lock and seal of the account in a slot when `flag` is 1; the stake stays.
fn unlock(
    b: &mut Builder,
    change: &mut Change<ACCOUNT_ELEMENTS>,
    old: &[Target; ACCOUNT_ELEMENTS],
    flag: BoolTarget,
) {
    let zero = b.zero();
    let lock = [account::LOCKED, account::LOCK_JOB, account::LOCK_EXPIRY];
    for i in lock.into_iter().chain(account::SEAL..account::SEAL + 4) {
        change.set(b, old, i, flag, zero);
    }
}

/// Applies every rule.
///
/// *Enforced*: under each kind's flag, what its native rule checks; and for every kind: accounts and jobs that the blocks
/// name are the ones in the slots; signed kinds pay their fee from A's balance and use up its nonce; A is then no empty
/// leaf. Balances and stakes that come out are below 2^62, A's nonce and reputation below 2^32.
pub fn apply(b: &mut Builder, c: &Context, opened: &Opened) -> Effects {
    let mut effects = Effects::none();
    let e = &mut effects;
    open::enforce(b, c, e, opened);
    close::enforce(b, c, e);
    deposit::enforce(b, c, e);
    record_beacon::enforce(b, c, e);
    transfer::enforce(b, c, e);
    withdraw::enforce(b, c, e);
    register::enforce(b, c, e);
    stake::enforce(b, c, e);
    unstake::enforce(b, c, e);
    post_job::enforce(b, c, e);
    seal_bid::enforce(b, c, e);
    reveal_bid::enforce(b, c, e);
    forfeit::enforce(b, c, e);
    submit::enforce(b, c, e);
    settle::enforce(b, c, e);
    expire::enforce(b, c, e);

    let named = c.flags.any(b, |kind| Layout::of(kind).a);
    e.a_index.add_if(b, named, c.fields.a);
    let named = c.flags.any(b, names_job);
    let index = c.fields.job(b);
    e.j_index.add_if(b, named, index);

    let signed = c.flags.any(b, is_signed);
    let (one, fee) = (b.one(), b.neg(c.fields.fee));
    e.a.add(b, account::BALANCE, signed, fee);
    e.a.add(b, account::NONCE, signed, one);
    nonzero_if(b, signed, c.a[account::KIND]);

    for sum in e.comparisons {
        let x = sum.value(b);
        range_check(b, x, AMOUNT_BITS);
    }
    let bounded = [
        (e.a.new_element(b, c.a, account::BALANCE), AMOUNT_BITS),
        (e.a.new_element(b, c.a, account::STAKE), AMOUNT_BITS),
        (e.b.new_element(b, c.b, account::BALANCE), AMOUNT_BITS),
        (e.a.new_element(b, c.a, account::NONCE), 32),
        (e.a.new_element(b, c.a, account::REPUTATION), 32),
    ];
    for (x, bits) in bounded {
        range_check(b, x, bits);
    }
    effects
}

/// Whether a kind needs a signature.
pub(crate) fn is_signed(kind: Kind) -> bool {
    kind.signer() != Signer::None
}

/// Whether a kind names its job in the stream.
fn names_job(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::RecordBeacon
            | Kind::SealBid
            | Kind::RevealBid
            | Kind::Forfeit
            | Kind::Submit
            | Kind::Settle
            | Kind::Expire
    )
}
