//! The rules that hold for a program as a whole. Rules of one operation stand in its file.

use std::collections::HashSet;

use crate::{
    arrangement::{Place, Source, union},
    error::ProgramError,
    limits::{
        MAX_COLUMNS, MAX_CONSTANT_CELLS, MAX_CONSTANT_ROWS, MAX_CONSTANTS, MAX_DEPTH, MAX_NAME,
        MAX_OPERATIONS, MAX_RANK, MAX_SOURCES, MAX_VIEWS,
    },
    operation::Context,
    program::{Constant, Parts, Step, Value},
};

/// Whether `name` is an identifier: 1 to 64 of ASCII letters, digits, `_` and `.`, the first one a letter or `_`.
pub(crate) fn is_name(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    first
        && name.len() <= MAX_NAME
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}

fn limit(what: impl Into<String>, got: usize, min: usize, max: usize) -> Result<(), ProgramError> {
    if (min..=max).contains(&got) {
        return Ok(());
    }
    let wide = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Err(ProgramError::Limit { what: what.into(), got: wide(got), min: wide(min), max: wide(max) })
}

fn check_name<'a>(name: &'a str, seen: &mut HashSet<&'a str>) -> Result<(), ProgramError> {
    if !is_name(name) {
        return Err(ProgramError::Name { name: name.into() });
    }
    if !seen.insert(name) {
        return Err(ProgramError::DuplicateName { name: name.into() });
    }
    Ok(())
}

fn check_value(value: &Value) -> Result<(), ProgramError> {
    let name = &value.name;
    if !value.dtype.is_byte() {
        return Err(ProgramError::Type {
            operation: name.clone(),
            what: "an activation",
            expected: "i8 or u8",
            got: value.dtype,
        });
    }
    limit(format!("dimensions of {name:?}"), value.shape.len(), 1, MAX_RANK)?;
    limit(format!("cells in a row of {name:?}"), value.columns(), 1, MAX_COLUMNS)
}

fn check_constants(constants: &[Constant]) -> Result<(), ProgramError> {
    limit("number of constants", constants.len(), 0, MAX_CONSTANTS)?;
    for constant in constants {
        limit(format!("rows of {:?}", constant.name), constant.tensor.rows(), 1, MAX_CONSTANT_ROWS)?;
    }
    limit(
        "cells in all constants",
        constants.iter().map(|c| c.tensor.cells().len()).sum(),
        0,
        MAX_CONSTANT_CELLS,
    )
}

/// Where the cells of every value are, and which steps are committed to.
fn check_places(steps: &[Step]) -> Result<(Vec<Place>, Vec<usize>), ProgramError> {
    let mut places = vec![Place::of(Source::Input)];
    let mut committed = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let name = || step.output.name.clone();
        let got = union(&step.operation.inputs(), &places).len();
        if got > MAX_SOURCES {
            return Err(ProgramError::Sources { name: name(), got, limit: MAX_SOURCES });
        }
        let place = if step.operation.kind().is_view() {
            Place::of_view(&step.operation, &places)
        } else {
            committed.push(index);
            Place::of(Source::Trace(committed.len() - 1))
        };
        if place.views > MAX_VIEWS {
            return Err(ProgramError::Views { name: name(), got: place.views, limit: MAX_VIEWS });
        }
        places.push(place);
    }
    if committed.is_empty() {
        return Err(ProgramError::NothingToRun);
    }
    match places.last().zip(steps.last()) {
        Some((place, step)) if !place.is_whole => {
            Err(ProgramError::OutputView { name: step.output.name.clone() })
        }
        _ => Ok((places, committed)),
    }
}

/// Checks everything that makes [`Parts`] a program. Returns where the cells of every value are, and which steps are
/// committed to.
pub(crate) fn check(parts: &Parts) -> Result<(Vec<Place>, Vec<usize>), ProgramError> {
    if !is_name(&parts.name) {
        return Err(ProgramError::Name { name: parts.name.clone() });
    }
    limit("depth", parts.depth.into(), 0, MAX_DEPTH.into())?;
    limit("number of operations", parts.steps.len(), 1, MAX_OPERATIONS)?;
    check_constants(&parts.constants)?;

    let mut names = HashSet::new();
    check_name(&parts.input.name, &mut names)?;
    for constant in &parts.constants {
        check_name(&constant.name, &mut names)?;
    }
    for step in &parts.steps {
        check_name(&step.output.name, &mut names)?;
    }

    check_value(&parts.input)?;
    let mut values = vec![&parts.input];
    let mut used_values = vec![false; parts.steps.len() + 1];
    let mut used_constants = vec![false; parts.constants.len()];
    for step in &parts.steps {
        check_value(&step.output)?;
        let context = Context { name: &step.output.name, values: &values, constants: &parts.constants };
        step.operation.check(&context, &step.output)?;
        for id in step.operation.inputs() {
            used_values[id.0] = true;
        }
        for id in step.operation.constants() {
            used_constants[id.0] = true;
        }
        values.push(&step.output);
    }
    // The last value is the output.
    used_values[parts.steps.len()] = true;

    if let Some(index) = used_values.iter().position(|used| !used) {
        return Err(ProgramError::Unused { name: values[index].name.clone() });
    }
    if let Some(index) = used_constants.iter().position(|used| !used) {
        return Err(ProgramError::Unused { name: parts.constants[index].name.clone() });
    }
    // Views are not committed to.
    let committed =
        parts.steps.iter().filter(|step| !step.operation.kind().is_view()).map(|step| &step.output);
    parts.scheme.check(parts.depth, std::iter::once(&parts.input).chain(committed))?;
    check_places(&parts.steps)
}
