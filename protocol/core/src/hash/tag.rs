//! Domain tags: ASCII with the prefix `J`, packed big-endian in at most 7 bytes (so a tag is a limb).

/// Packs at most 7 ASCII bytes big-endian.
const fn tag(name: &[u8]) -> u64 {
    assert!(name.len() <= 7, "a tag has at most 7 bytes");
    let mut packed = 0;
    let mut i = 0;
    while i < name.len() {
        packed = packed << 8 | name[i] as u64;
        i += 1;
    }
    packed
}

macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: u64 = tag($text);)*
        /// Every tag with its name, for tests and documentation.
        pub const ALL: &[(&str, u64)] = &[$((stringify!($name), $name)),*];
    };
}

tags! {
    /// The ledger root.
    STATE = b"JSTATE";
    /// An account leaf.
    ACCOUNT = b"JACCT";
    /// A job leaf.
    JOB = b"JJOB";
    /// An inner node of the account tree.
    NODE_ACCOUNT = b"JNODEAC";
    /// An inner node of the job tree.
    NODE_JOB = b"JNODEJB";
    /// The sponge over a batch's stream.
    STREAM = b"JSTREAM";
    /// The sponge over the list of batches of a range.
    LIST = b"JLIST";
    /// The run state between two steps.
    RUN = b"JRUN";
    /// The message that a transaction's signature covers.
    TX = b"JTX";
    /// The challenge of a signature.
    SCHNORR = b"JSCHNOR";
    /// The deterministic nonce of a signature.
    NONCE = b"JNONCE";
    /// The commitment to a bid: unit, job, price, salt.
    SEAL = b"JSEAL";
    /// A claim that `Settle` emits and an audit proves.
    CLAIM = b"JCLAIM";
    /// The chain of claims.
    CLAIMS = b"JCLAIMS";
    /// A job binary.
    PROGRAM = b"JPROG";
    /// A tensor's header.
    TENSOR = b"JTENSOR";
    /// A packed row of a tensor.
    ROW = b"JROW";
    /// The sketch of a block of rows.
    SKETCH = b"JSKETCH";
    /// An inner node of a tree of rows.
    NODE_ROW = b"JNODERW";
    /// A whole execution trace.
    TRACE = b"JTRACE";
    /// The draw of rows from a beacon.
    BEACON = b"JBEACON";
    /// An audit key.
    AUDIT_KEY = b"JAUDKEY";
    /// A proving group of row checks.
    GROUP = b"JGROUP";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_differ_and_fit_a_limb() {
        for (i, (name, value)) in ALL.iter().enumerate() {
            assert!(*value < 1 << 56, "{name}");
            for (other, theirs) in &ALL[..i] {
                assert_ne!(value, theirs, "{name} and {other}");
            }
        }
    }

    #[test]
    fn packing_is_big_endian() {
        assert_eq!(TX, 0x4a_54_58);
        assert_eq!(STREAM, 0x4a_53_54_52_45_41_4d);
    }
}
