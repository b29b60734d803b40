//! Tags of the hashes that only audit circuits compute; the protocol's own stand in `janction_protocol::hash::tag`.

/// A state of the chain of pieces.
pub(crate) const STATE: u64 = u64::from_be_bytes(*b"\0JAUDST\0") >> 8;
/// Freivalds' challenge.
pub(crate) const CHALLENGE: u64 = u64::from_be_bytes(*b"\0JCHALL\0") >> 8;
/// Accumulators of a row.
pub(crate) const ACCUMULATORS: u64 = u64::from_be_bytes(*b"\0JACCUM\0") >> 8;
/// The opening of a block of rows by its sketch.
pub(crate) const OPENED: u64 = u64::from_be_bytes(*b"\0JOPENED");
/// The running digest of checked accumulators and openings.
pub(crate) const CHECKED: u64 = u64::from_be_bytes(*b"\0JCHECKD");
/// The running digest of one operation's fold.
pub(crate) const FOLD: u64 = u64::from_be_bytes(*b"\0JFOLD\0\0") >> 16;
/// All folds of a program's weights.
pub(crate) const FOLDS: u64 = u64::from_be_bytes(*b"\0JFOLDS\0") >> 8;
/// The bytes of a verifier.
pub(crate) const VERIFIER: u64 = u64::from_be_bytes(*b"\0JVRFIER");
/// The keys of a program's pieces.
pub(crate) const PIECE_KEYS: u64 = u64::from_be_bytes(*b"\0JPCKEYS");
/// The beacon of an execution that is no job's.
pub(crate) const EXECUTION_BEACON: u64 = u64::from_be_bytes(*b"\0JPBEACN");
/// The mark of a gathered audit.
pub(crate) const GATHER: u64 = u64::from_be_bytes(*b"\0JGATHR\0") >> 8;

#[cfg(test)]
mod tests {
    use janction_aggregate::{Family, KeySet};
    use janction_protocol::hash::tag;

    #[test]
    fn differ_from_all_others() {
        let mut all: Vec<u64> = tag::ALL.iter().map(|&(_, value)| value).collect();
        all.extend([super::STATE, super::GATHER, super::VERIFIER, super::CHALLENGE]);
        all.extend([super::ACCUMULATORS, super::CHECKED, super::FOLD, super::FOLDS, super::PIECE_KEYS]);
        all.push(super::EXECUTION_BEACON);
        all.push(super::OPENED);
        all.extend(KeySet::TAGS);
        all.extend([Family::Audit, Family::Ledger, Family::Pieces].map(Family::tag));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|&tag| tag < 1 << 56));
    }
}
