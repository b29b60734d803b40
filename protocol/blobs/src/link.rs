//! Names of the protocol that lead to blobs.

use std::fmt;

/// What a link names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A job binary, by its program digest.
    Program,
    /// An input tensor, by its root.
    Input,
    /// An output tensor, by its root.
    Output,
    /// What an audit opens of a trace, by the digest of the claim that it is to prove: two jobs may share a trace, and
    /// are audited at different rows.
    Openings,
}

impl Class {
    /// The folder of its links.
    fn folder(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Input => "input",
            Self::Output => "output",
            Self::Openings => "openings",
        }
    }
}

/// A name of the protocol: a class and a digest of 32 bytes (four field elements, big-endian).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// What it names.
    pub class: Class,
    /// The digest.
    pub digest: [u8; 32],
}

impl Link {
    /// The link of this class and digest.
    pub fn new(class: Class, digest: [u8; 32]) -> Self {
        Self { class, digest }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.class.folder())?;
        self.digest.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}
