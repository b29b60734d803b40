//! The universal step: any kind, from one run state to the next.

use janction_aggregate::config::Builder;
use janction_aggregate::run::{LedgerTargets, RunTargets};
use janction_gadgets::schnorr::{SignatureTargets, verify_signature};
use janction_gadgets::sponge::permute;
use janction_gadgets::uint::{AMOUNT_BITS, range_check};
use janction_protocol::hash::tag;
use janction_protocol::state::{ACCOUNT_ELEMENTS, JOB_ELEMENTS};
use janction_protocol::stream::{Kind, Section, Signer};
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};

use crate::kind::Flags;
use crate::leaf::account;
use crate::rules::{self, Context, Opened, append_claim, is_signed};
use crate::slot::{Slot, TreeTags, assert_zero_if};
use crate::stream::{Absorbed, Blocks, fold};

const ACCOUNTS: TreeTags = TreeTags { leaf: tag::ACCOUNT, node: tag::NODE_ACCOUNT };
const JOBS: TreeTags = TreeTags { leaf: tag::JOB, node: tag::NODE_JOB };

/// Bits of the counter of expected events: two bytes in the header.
const EVENT_BITS: usize = 16;
/// Block positions are below 2^25: the header's counts have 3, 2 and 2 bytes.
const POSITION_BITS: usize = 32;

/// The witness of a step.
#[derive(Clone, Debug)]
pub struct StepTargets {
    /// Which kind it is.
    pub flags: Flags,
    /// Its blocks.
    pub blocks: Blocks,
    /// The point of the fingerprint, for `Open`.
    pub r: [Target; 2],
    /// Account slot A.
    pub a: Slot<ACCOUNT_ELEMENTS>,
    /// Account slot B.
    pub b: Slot<ACCOUNT_ELEMENTS>,
    /// Job slot J.
    pub j: Slot<JOB_ELEMENTS>,
    /// 1 when A's operator key signed, 0 for its owner key.
    pub by_operator: BoolTarget,
    /// The signature.
    pub signature: SignatureTargets,
    /// The low three bits of A's locked stake, least significant first.
    pub locked_bits: [BoolTarget; 3],
}

impl StepTargets {
    /// Adds a step after `run` and returns the run state that it leaves.
    ///
    /// *Enforced*: what section 4 of `docs/protocol.md` says of a step: kind and blocks belong together; slots A, B, J are
    /// opened and written through successive roots; the rule of the kind; the section that the kind may stand in; the
    /// signature. What the kind does not change stays.
    ///
    /// *The caller must ensure* that `run` descends from a run state without an open batch whose elements 20..47 are zero (the
    /// root checks the first of a range), and that its ledger descends from a genesis whose leaves keep the bounds of
    /// section 2 and are all zero where their kind or status is.
    pub fn build(b: &mut Builder, run: &RunTargets) -> (Self, RunTargets) {
        let flags = Flags::new(b);
        let blocks = Blocks::new(b);
        let r = b.add_virtual_target_arr();
        let slots = (Slot::new(b), Slot::new(b), Slot::new(b));
        let locked_bits = core::array::from_fn(|_| b.add_virtual_bool_target_safe());

        let fields = blocks.parse(b, &flags);
        let opened = Opened::read(b, &fields);
        let absorbed = blocks.absorb(b, &flags, run, r, slots.0.old[account::NONCE]);
        let context = Context {
            flags: &flags,
            fields: &fields,
            run,
            a: &slots.0.old,
            b: &slots.1.old,
            j: &slots.2.old,
            locked_bits: &locked_bits,
        };
        let effects = rules::apply(b, &context, &opened);
        let (by_operator, signature) = authorize(b, &context, &absorbed);
        let position = check_place(b, &flags, run, absorbed.blocks);

        let [a_index, b_index, j_index] =
            [effects.a_index, effects.b_index, effects.j_index].map(|index| index.value(b));
        let (a, second, j) = slots.clone();
        let accounts_root = a.apply(b, ACCOUNTS, run.ledger.accounts_root, a_index, &effects.a);
        let accounts_root = second.apply(b, ACCOUNTS, accounts_root, b_index, &effects.b);
        let jobs_root = j.apply(b, JOBS, run.ledger.jobs_root, j_index, &effects.j);

        let settled = flags.is(Kind::Settle);
        let appended = append_claim(b, &context);
        let ledger = LedgerTargets {
            accounts_root,
            jobs_root,
            deployment: run.ledger.deployment,
            time: b.select(flags.is(Kind::Open), opened.time, run.ledger.time),
            batch: b.add(run.ledger.batch, flags.is(Kind::Open).target),
            next_account: effects.account_created.add_to(b, run.ledger.next_account),
            next_job: effects.job_created.add_to(b, run.ledger.next_job),
            burned: effects.burned.add_to(b, run.ledger.burned),
            l1_cursor: b.add(run.ledger.l1_cursor, flags.is(Kind::Deposit).target),
            beacon_cursor: b.add(run.ledger.beacon_cursor, flags.is(Kind::RecordBeacon).target),
        };
        range_check(b, ledger.burned, AMOUNT_BITS);
        let claims =
            core::array::from_fn(|i| b.select(settled, appended.elements[i], run.claims.elements[i]));
        let next = RunTargets {
            ledger,
            claims: HashOutTarget { elements: claims },
            claim_count: b.add(run.claim_count, settled.target),
            ..frame(b, &flags, run, &opened, &absorbed, position, fields.fee)
        };
        let step = Self { flags, blocks, r, a, b: second, j, by_operator, signature, locked_bits };
        (step, next)
    }
}

/// The signature of signed kinds.
///
/// *Enforced*: the owner key of A, or for kinds that an operator may sign A's operator key, signed the message.
fn authorize(b: &mut Builder, c: &Context, absorbed: &Absorbed) -> (BoolTarget, SignatureTargets) {
    let by_operator = b.add_virtual_bool_target_safe();
    let owner_only = c.flags.any(b, |kind| kind.signer() != Signer::OwnerOrOperator);
    assert_zero_if(b, owner_only, by_operator.target);
    let key: [Target; 5] =
        core::array::from_fn(|i| b.select(by_operator, c.a[account::OPERATOR + i], c.a[account::OWNER + i]));
    let signed = c.flags.any(b, is_signed);
    (by_operator, verify_signature(b, &key, &absorbed.message, signed))
}

/// Where a step may stand; returns the position after it.
///
/// *Enforced*: transactions and `Close` only in an open batch; L2 kinds end at most where the L2 part does; deposits stand
/// between there and the end of the L1 operations, beacon records between there and the end.
pub(crate) fn check_place(b: &mut Builder, flags: &Flags, run: &RunTargets, blocks: Target) -> Target {
    let inside = flags.any(b, |kind| !matches!(kind, Kind::Noop | Kind::Open));
    let closed = b.not(BoolTarget::new_unsafe(run.open));
    assert_zero_if(b, inside, closed.target);

    let section = |b: &mut Builder, section: Section| flags.any(b, |kind| kind.section() == section).target;
    let [l2, l1, beacon] = [Section::L2, Section::L1, Section::Beacon].map(|s| section(b, s));
    let position = b.add(run.position, blocks);
    let tail = b.add(l1, beacon);
    let from = b.mul(l1, run.l2_end);
    let from = b.mul_add(beacon, run.l1_end, from);
    let after = b.mul_sub(tail, run.position, from);
    let to = b.mul(l2, run.l2_end);
    let to = b.mul_add(l1, run.l1_end, to);
    let to = b.mul_add(beacon, run.end, to);
    let transaction = b.add(l2, tail);
    let end = b.mul(transaction, position);
    let before = b.sub(to, end);
    for distance in [after, before] {
        range_check(b, distance, POSITION_BITS);
    }
    position
}

/// What belongs to the open batch (elements 20..47) and to the list, after a step; the ledger and the claims are `run`'s.
///
/// *Enforced*: `Open` sets the former (zero before it), `Close` clears it and appends D, r and f to the list; fees add up
/// below 2^62; events are not more than the header says.
pub(crate) fn frame(
    b: &mut Builder,
    flags: &Flags,
    run: &RunTargets,
    opened: &Opened,
    absorbed: &Absorbed,
    position: Target,
    fee: Target,
) -> RunTargets {
    let (open, close) = (flags.is(Kind::Open), flags.is(Kind::Close));
    let keep = b.not(close).target;
    let fees = b.add(run.fees, fee);
    range_check(b, fees, AMOUNT_BITS);
    let event = flags.any(b, Kind::is_event);
    let events = b.sub(run.events, event.target);
    range_check(b, events, EVENT_BITS);
    // `open` is 0 or 1 from the start on: Open demands 0, Close 1.
    let is_open = b.add(run.open, open.target);
    let set = |b: &mut Builder, old: Target, new: Target| {
        let kept = b.mul(keep, old);
        b.mul_add(open.target, new, kept)
    };
    let clear = |b: &mut Builder, x: Target| b.mul(keep, x);

    let entry = [&absorbed.stream[..4], &absorbed.r, &absorbed.f].concat();
    let mut list = run.list;
    list[..8].copy_from_slice(&entry);
    let list = permute(b, list);
    let f_star = fold(b, run.f_star, run.r_star, &entry);
    RunTargets {
        fees: clear(b, fees),
        fee_account: set(b, run.fee_account, opened.fee_account),
        open: b.sub(is_open, close.target),
        position: clear(b, position),
        l2_end: set(b, run.l2_end, opened.l2_end),
        l1_end: set(b, run.l1_end, opened.l1_end),
        end: set(b, run.end, opened.end),
        events: set(b, events, opened.events),
        batch_l1_end: set(b, run.batch_l1_end, opened.batch_l1_end),
        batch_beacon_end: set(b, run.batch_beacon_end, opened.batch_beacon_end),
        l1_time: set(b, run.l1_time, run.ledger.time),
        stream: absorbed.stream.map(|x| clear(b, x)),
        f: absorbed.f.map(|x| clear(b, x)),
        r: absorbed.r.map(|x| clear(b, x)),
        list: core::array::from_fn(|i| b.select(close, list[i], run.list[i])),
        list_len: b.add(run.list_len, close.target),
        f_star: core::array::from_fn(|i| b.select(close, f_star[i], run.f_star[i])),
        ..*run
    }
}
