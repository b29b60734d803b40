//! The native twin of the universal step circuit.

use super::{
    Context, FrameError, Leaves, ReplayError, RuleError, Slot, StepWitness, check, close, frame, message,
    open,
};
use crate::Digest;
use crate::state::{Index, Leaf, RunState};
use crate::stream::{Kind, Signer};
use crate::transaction::Transaction;

/// The run state after the step `w`, from nothing but the run state before it and the witness. Checks everything that
/// the circuit checks.
///
/// # Errors
/// [`ReplayError`] when the witness does not hold.
pub fn replay(run: &RunState, w: &StepWitness) -> Result<RunState, ReplayError> {
    if !run.is_bounded() {
        return Err(FrameError::Bounds.into());
    }
    let unexpected = w.blocks.len() != w.kind.blocks();
    if unexpected || w.blocks.first().is_some_and(|block| block.tag() != w.kind.tag()) {
        return Err(ReplayError::Blocks { kind: w.kind });
    }
    match w.kind {
        Kind::Noop => unchanged(run, w).map(|()| *run),
        Kind::Open => {
            unchanged(run, w)?;
            open::open(run, &w.blocks[0], w.r)
        }
        Kind::Close => close(run, w),
        _ => transaction(run, w),
    }
}

/// Slots A, B, J open index 0 and write back what they read.
fn unchanged(run: &RunState, w: &StepWitness) -> Result<(), ReplayError> {
    let mut same = *run;
    write(&mut same, w, [0; 3], &Leaves { a: w.a.old, b: w.b.old, j: w.j.old })
}

fn close(run: &RunState, w: &StepWitness) -> Result<RunState, ReplayError> {
    let mut leaves = Leaves { a: w.a.old, b: w.b.old, j: w.j.old };
    close::credit_fees(run, &mut leaves.a)?;
    let mut credited = *run;
    write(&mut credited, w, [run.fee_account, 0, 0], &leaves)?;
    Ok(close::close(&credited))
}

fn transaction(run: &RunState, w: &StepWitness) -> Result<RunState, ReplayError> {
    let mut next = *run;
    frame::take(&mut next, w.kind, &w.blocks)?;
    let transaction = Transaction::decode(&w.blocks, run.position as usize)?;
    authorize(run, w)?;
    let context = Context::new(&run.ledger, run.l1_time);
    let rule = transaction.rule();
    let indices =
        [rule.account_a(&w.j.old), rule.account_b(&context, &w.a.old, &w.j.old), rule.job(&context)];
    let mut leaves = Leaves { a: w.a.old, b: w.b.old, j: w.j.old };
    let effects = rule.apply(&context, &mut leaves)?;
    write(&mut next, w, indices, &leaves)?;
    next.fees = next.fees.checked_add(effects.fee).ok_or(RuleError::Overflow)?;
    next.ledger.record(w.kind, &effects)?;
    if let Some(claim) = effects.claim {
        next.claims = claim.append_to(next.claims);
        next.claim_count += 1;
    }
    Ok(next)
}

fn authorize(run: &RunState, w: &StepWitness) -> Result<(), RuleError> {
    if w.kind.signer() == Signer::None {
        return match w.authorization {
            None => Ok(()),
            Some(_) => Err(RuleError::NeedlesslySigned { kind: w.kind }),
        };
    }
    let m = message(&run.ledger.deployment, w.a.old.nonce, &w.blocks);
    check(w.kind, &w.a.old, m, w.authorization.as_ref())
}

/// Walks the three slots through successive roots: opens each old leaf, writes each new one.
fn write(run: &mut RunState, w: &StepWitness, indices: [Index; 3], new: &Leaves) -> Result<(), ReplayError> {
    let ledger = &mut run.ledger;
    ledger.accounts_root = slot('A', &w.a, indices[0], &new.a, ledger.accounts_root)?;
    ledger.accounts_root = slot('B', &w.b, indices[1], &new.b, ledger.accounts_root)?;
    ledger.jobs_root = slot('J', &w.j, indices[2], &new.j, ledger.jobs_root)?;
    Ok(())
}

fn slot<L: Leaf>(
    name: char,
    w: &Slot<L>,
    expected: Index,
    new: &L,
    root: Digest,
) -> Result<Digest, ReplayError> {
    let got = w.opening.index;
    if got != expected {
        return Err(ReplayError::Index { slot: name, expected, got });
    }
    if w.opening.root::<L>(w.old.hash()) != root {
        return Err(ReplayError::Opening { slot: name });
    }
    if w.new != *new {
        return Err(ReplayError::Leaf { slot: name });
    }
    Ok(w.opening.root::<L>(w.new.hash()))
}
