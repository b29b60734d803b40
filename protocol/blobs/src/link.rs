//! Names of the protocol that lead to blobs.

use std::fmt;
use std::str::FromStr;

use super::BlobId;

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
    /// All classes.
    pub const ALL: [Self; 4] = [Self::Program, Self::Input, Self::Output, Self::Openings];

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

/// A text that is no link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no link: write program, input, output or openings, a slash, and 64 hexadecimal digits")]
pub struct ParseLinkError(String);

impl FromStr for Link {
    type Err = ParseLinkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('/').and_then(|(folder, digest)| {
            let class = Class::ALL.into_iter().find(|class| class.folder() == folder)?;
            Some(Self::new(class, digest.parse::<BlobId>().ok()?.0))
        });
        parsed.ok_or_else(|| ParseLinkError(text.to_owned()))
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.class.folder())?;
        self.digest.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for class in Class::ALL {
            let link = Link::new(class, [7; 32]);
            assert_eq!(link.to_string().parse(), Ok(link));
        }
        for wrong in ["", "program", "program/", "programs/00", &format!("input/{}", "0".repeat(63))] {
            assert!(wrong.parse::<Link>().is_err(), "{wrong}");
        }
    }
}
