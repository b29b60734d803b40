//! CUDA C++ as text, on its way to a compiler.

use std::fmt::Write;

/// One file: its name, for messages of the compiler, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    name: String,
    text: String,
}

impl File {
    /// A file of this name and text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }
}

/// Files that are compiled together, in their order, and the kernels in them. Files need no `#include`: what a file
/// uses stands in a file before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    name: String,
    files: Vec<File>,
    kernels: Vec<String>,
}

impl Source {
    /// An empty source; `name` is for messages and for the names of cached images.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), files: Vec::new(), kernels: Vec::new() }
    }

    /// With one more file behind the others. A file that is there already is not taken twice.
    #[must_use]
    pub fn with(mut self, file: File) -> Self {
        if !self.files.contains(&file) {
            self.files.push(file);
        }
        self
    }

    /// With the names of `extern "C" __global__` functions that are to be launched.
    #[must_use]
    pub fn with_kernels(mut self, kernels: &[&str]) -> Self {
        self.kernels.extend(kernels.iter().map(|kernel| (*kernel).to_owned()));
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kernels' names.
    #[must_use]
    pub fn kernels(&self) -> &[String] {
        &self.kernels
    }

    /// All files as one text. Messages name file and line.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for file in &self.files {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "#line 1 \"{}\"", file.name);
            text.push_str(&file.text);
            text.push('\n');
        }
        text
    }
}
