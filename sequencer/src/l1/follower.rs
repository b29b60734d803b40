//! Takes over what L1 says, once it is deep enough.

use std::sync::Arc;

use super::{Event, EventKind, L1, L1Config, L1Error};
use crate::batcher::{Engine, EngineError};
use crate::shared::Shared;
use crate::store::record::{Commitment, Heads, L1Block, L1Cursor};

/// What L1 looked like a moment ago.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The newest block.
    pub head: L1Block,
    /// What happened in blocks that are not deep enough yet, in order.
    pub recent: Vec<Event>,
}

/// Why following stopped.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// L1 does not answer, or with an error: try again later.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// What L1 says cannot be taken over.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The node is behind what was read already.
    #[error(
        "L1's node is at block {head}, block {read} has been read: it is syncing or was replaced; waiting for it"
    )]
    Behind {
        /// The node's newest block.
        head: u64,
        /// The last block that was read.
        read: u64,
    },
    /// The chain changed while it was read.
    #[error("L1 reorganised while it was read: looking again")]
    Moved,
}

/// Reads L1 up to its head and hands what is deep enough to the engine, in as many steps as it takes.
///
/// # Errors
/// [`FollowError`]; nothing is lost, the next call goes on from where this one stopped.
pub async fn follow(l1: &dyn L1, config: &L1Config, shared: &Arc<Shared>) -> Result<View, FollowError> {
    let head = l1.head().await?;
    let mut cursor = shared.engine(|engine| Ok::<_, EngineError>(engine.cursor())).await?;
    if cursor.block != L1Block::default() {
        match l1.block(cursor.block.number).await? {
            Some(block) if block.hash == cursor.block.hash => {}
            Some(_) => return rescan(l1, config, shared, head).await,
            None => return Err(FollowError::Behind { head: head.number, read: cursor.block.number }),
        }
    }
    let Some(deep) = head.number.checked_sub(config.confirmations) else {
        return Ok(View { head, recent: vec![] });
    };
    while cursor.block.number < deep || cursor.block == L1Block::default() {
        let first = next_block(&cursor, config);
        if first > deep {
            break;
        }
        let last = deep.min(first + config.max_block_range.max(1) - 1);
        let (events, block) = read(l1, first, last).await?;
        cursor = shared.engine(move |engine: &mut Engine| engine.apply_l1(&events, block)).await?;
    }
    let first = next_block(&cursor, config);
    let recent = if first > head.number { vec![] } else { read(l1, first, head.number).await?.0 };
    Ok(View { head, recent })
}

fn next_block(cursor: &L1Cursor, config: &L1Config) -> u64 {
    if cursor.block == L1Block::default() { config.start_block } else { cursor.block.number + 1 }
}

/// The events of blocks `first` to `last`, and the block `last`. Asks for that block before and after, so that both
/// belong to one chain.
async fn read(l1: &dyn L1, first: u64, last: u64) -> Result<(Vec<Event>, L1Block), FollowError> {
    let before = l1.block(last).await?.ok_or(FollowError::Moved)?;
    let events = l1.events(first, last).await?;
    let after = l1.block(last).await?.ok_or(FollowError::Moved)?;
    if before.hash == after.hash { Ok((events, after)) } else { Err(FollowError::Moved) }
}

/// A reorganisation reached below what was taken over: reads everything again and lets the engine compare.
async fn rescan(
    l1: &dyn L1,
    config: &L1Config,
    shared: &Arc<Shared>,
    head: L1Block,
) -> Result<View, FollowError> {
    metrics::counter!("sequencer_l1_deep_reorganisations_total").increment(1);
    tracing::warn!("L1 reorganised below {} confirmations: reading it again", config.confirmations);
    let deep = head.number.saturating_sub(config.confirmations);
    let (mut events, mut first, mut last_block) = (Vec::new(), config.start_block, None);
    while first <= deep {
        let last = deep.min(first + config.max_block_range.max(1) - 1);
        let (more, block) = read(l1, first, last).await?;
        events.extend(more);
        last_block = Some(block);
        first = last + 1;
    }
    let block = last_block.ok_or(FollowError::Moved)?;
    shared.engine(move |engine| engine.replace_l1(&events, block)).await?;
    let recent =
        if block.number == head.number { vec![] } else { read(l1, block.number + 1, head.number).await?.0 };
    Ok(View { head, recent })
}

/// The contract as of the newest block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latest {
    /// Numbers of the last committed and proven batch (`sealed` is the database's).
    pub heads: Heads,
    /// The last committed batch's record.
    pub parent: Commitment,
    /// Records of recently committed batches that the database does not have yet.
    pub recent: Vec<Commitment>,
}

impl Latest {
    /// What is deep enough (`heads` and the record of `heads.committed`), and what happened since.
    pub fn new(heads: Heads, parent: Commitment, view: &View) -> Self {
        let mut latest = Self { heads, parent, recent: Vec::new() };
        for event in &view.recent {
            match &event.kind {
                EventKind::Committed(commitment) if commitment.number > 0 => {
                    latest.heads.committed = commitment.number;
                    latest.parent = *commitment;
                    latest.recent.push(*commitment);
                }
                EventKind::Proven { last, .. } => latest.heads.proven = *last,
                _ => {}
            }
        }
        latest
    }

    /// Whether the contract removed batches in blocks that are not deep enough yet; then it is not clear what is next.
    pub fn is_unsettled(view: &View) -> bool {
        view.recent.iter().any(|event| matches!(event.kind, EventKind::Reverted { .. }))
    }
}
