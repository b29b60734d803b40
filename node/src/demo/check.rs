//! The equalities that a demonstration checks. All of them must hold.

use std::fmt::Display;

use serde::Serialize;

/// One equality.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What should be equal.
    pub what: String,
    /// What it should be.
    pub expected: String,
    /// What it is.
    pub found: String,
    /// Whether they are equal.
    pub holds: bool,
}

/// Those checked so far.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Checks(Vec<Check>);

impl Checks {
    /// Checks one more.
    pub fn equal<T: PartialEq + Display>(&mut self, what: impl Into<String>, expected: T, found: T) {
        let holds = expected == found;
        let (expected, found) = (expected.to_string(), found.to_string());
        self.0.push(Check { what: what.into(), expected, found, holds });
    }

    /// Whether all hold, and at least one was checked.
    pub fn all_hold(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|c| c.holds)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Check> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_fails_is_enough() {
        let mut checks = Checks::default();
        assert!(!checks.all_hold(), "no check is no success");
        checks.equal("a", 1, 1);
        assert!(checks.all_hold());
        checks.equal("b", 1, 2);
        checks.equal("c", 3, 3);
        assert!(!checks.all_hold());
    }
}
