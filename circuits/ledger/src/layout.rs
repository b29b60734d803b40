//! Which fields a kind's blocks have; everything else in them is zero.

use janction_protocol::stream::{BLOCK_LIMBS, Kind, MAX_BLOCKS};

/// Limbs of the largest payload.
pub const PAYLOAD_LIMBS: usize = MAX_BLOCKS * (BLOCK_LIMBS - 1) - 2;

/// Which parts of a payload limb a kind uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// None: it is zero.
    Nothing,
    /// The upper 3 bytes.
    Upper,
    /// The lower 4 bytes.
    Lower,
    /// All of it.
    Whole,
}

impl Use {
    /// Whether `half` (upper or lower) is in use.
    #[must_use]
    pub fn has(self, half: Self) -> bool {
        self == Self::Whole || self == half
    }
}

/// The layout of a kind: the table of section 3 of `docs/protocol.md`.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Limb 0 holds a fee.
    pub fee: bool,
    /// Limb 1 names account A.
    pub a: bool,
    /// Limb 2 names account B.
    pub b: bool,
    /// Limbs 1 and 2 hold a value.
    pub value: bool,
    /// Payload limbs from, to (exclusive), and how they are used.
    payload: &'static [(usize, usize, Use)],
    /// Field elements in the payload: the limb of the first one's upper half, and how many follow each other.
    elements: &'static [(usize, usize)],
}

use Use::{Lower, Upper, Whole};

impl Layout {
    const NOTHING: Self = Self { fee: false, a: false, b: false, value: false, payload: &[], elements: &[] };
    const FEE: Self = Self { fee: true, ..Self::NOTHING };
    const FEE_A: Self = Self { a: true, ..Self::FEE };
    const FEE_A_VALUE: Self = Self { value: true, ..Self::FEE_A };

    /// The layout of a kind. That of `Open` is the header's and stands in its rule.
    #[must_use]
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Noop | Kind::Open | Kind::Close => Self::NOTHING,
            Kind::Deposit => Self {
                a: true,
                value: true,
                payload: &[(0, 10, Lower)],
                elements: &[(0, 5)],
                ..Self::NOTHING
            },
            // Half 0 of the trace root shares limb 0 with the job; halves 1..8 follow the beacon.
            Kind::RecordBeacon => Self {
                value: true,
                payload: &[(0, 5, Whole), (5, 12, Lower)],
                elements: &[(6, 3)],
                ..Self::NOTHING
            },
            Kind::Transfer => Self { b: true, ..Self::FEE_A_VALUE },
            Kind::Withdraw => Self { payload: &[(0, 3, Whole)], ..Self::FEE_A_VALUE },
            Kind::Register => Self {
                payload: &[(0, 10, Lower), (10, 11, Whole), (11, 12, Lower)],
                elements: &[(0, 5)],
                ..Self::FEE_A
            },
            Kind::Stake | Kind::Unstake => Self::FEE_A_VALUE,
            Kind::PostJob => Self {
                payload: &[(0, 11, Whole), (11, 24, Lower), (24, 26, Whole)],
                elements: &[(0, 12)],
                ..Self::FEE_A_VALUE
            },
            Kind::SealBid => {
                Self { payload: &[(0, 1, Upper), (1, 9, Lower)], elements: &[(1, 4)], ..Self::FEE_A }
            }
            Kind::RevealBid => Self { payload: &[(0, 1, Upper), (1, 5, Whole)], ..Self::FEE_A_VALUE },
            Kind::Forfeit => Self { payload: &[(0, 1, Upper)], ..Self::FEE_A },
            Kind::Submit => {
                Self { payload: &[(0, 1, Upper), (1, 17, Lower)], elements: &[(1, 8)], ..Self::FEE_A }
            }
            Kind::Settle => Self {
                value: true,
                payload: &[(0, 1, Upper), (1, 9, Lower)],
                elements: &[(1, 4)],
                ..Self::FEE
            },
            Kind::Expire => Self { payload: &[(0, 1, Upper)], ..Self::FEE },
        }
    }

    /// How payload limb `i` is used.
    #[must_use]
    pub fn payload(&self, i: usize) -> Use {
        let range = self.payload.iter().find(|(from, to, _)| (*from..*to).contains(&i));
        range.map_or(Use::Nothing, |&(_, _, used)| used)
    }

    /// Whether a field element's halves stand in payload limbs `i` and `i + 1`.
    #[must_use]
    pub fn element(&self, i: usize) -> bool {
        self.elements.iter().any(|&(from, count)| (from..from + 2 * count).step_by(2).any(|at| at == i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::KINDS;

    /// A layout names no limb beyond the kind's blocks.
    #[test]
    fn payload_fits_the_blocks() {
        for kind in KINDS {
            let limbs = (kind.blocks() * (BLOCK_LIMBS - 1)).saturating_sub(2);
            for i in limbs..PAYLOAD_LIMBS {
                assert_eq!(Layout::of(kind).payload(i), Use::Nothing, "{kind:?}, limb {i}");
            }
            for i in (0..PAYLOAD_LIMBS - 1).filter(|&i| Layout::of(kind).element(i)) {
                assert!(Layout::of(kind).payload(i).has(Use::Lower), "{kind:?}, limb {i}");
                assert!(Layout::of(kind).payload(i + 1).has(Use::Lower), "{kind:?}, limb {i}");
            }
        }
    }
}
