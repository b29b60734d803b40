//! Names of an ONNX model as names of a program.

use std::collections::HashSet;

use janction_program::limits::MAX_NAME;

/// Gives every value and constant a valid name of its own.
#[derive(Default)]
pub struct Names(HashSet<String>);

/// `text` with every character that a name cannot have replaced by `_`, at most `length` long.
fn clean(text: &str, length: usize) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let mut name: String = text.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    name.truncate(length);
    name
}

/// A program's name made of `text`.
pub fn program_name(text: &str) -> String {
    clean(text, MAX_NAME)
}

impl Names {
    /// A name like `text` that has not been given before.
    pub fn fresh(&mut self, text: &str) -> String {
        let name = clean(text, MAX_NAME);
        if self.0.insert(name.clone()) {
            return name;
        }
        // There are fewer names than numbers, so one is free. Room is left for the number.
        let stem = clean(text, MAX_NAME - 12);
        let mut numbered = (2u32..).map(|n| format!("{stem}_{n}"));
        let name = numbered.find(|name| !self.0.contains(name)).unwrap_or(name);
        self.0.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_and_differ() {
        let mut names = Names::default();
        let long = "/model/".repeat(20);
        let given: Vec<String> = ["/fc1/Gemm:0", "/fc1/Gemm:0", "_fc1_Gemm_0", "", "3", &long, &long]
            .map(|n| names.fresh(n))
            .into();
        assert_eq!(given[..5], ["_fc1_Gemm_0", "_fc1_Gemm_0_2", "_fc1_Gemm_0_3", "_", "_3"]);
        assert_ne!(given[5], given[6]);
        assert!(given.iter().all(|name| name.len() <= MAX_NAME));
    }
}
