//! Lookups: functions of cells that have become cells.
//!
//! A lookup becomes an operation of the program only once something but a lookup reads it: a lookup of a lookup is one lookup.
//! So where a model quantises between the nodes that make up a function (x * sigmoid(x), with cells of the sigmoid), the
//! program still has one operation for it, and its cells are the same.

use std::rc::Rc;

use janction_program::{Cells, DType, ValueId};

use crate::{
    error::OnnxError,
    flow::{Activation, Mapped, Place, Quantisation, Settle},
    node::Node,
    rounding,
    tensor::to_f32,
    translate::Translator,
};

/// A function from cells to cells.
pub struct Lookup {
    /// Name of the value that it makes.
    name: String,
    /// No lookup itself.
    input: Activation,
    /// Type of the results.
    dtype: DType,
    /// The results, from the input type's smallest cell on.
    table: Vec<i64>,
    /// The value, once the program has it.
    value: Option<ValueId>,
}

/// `entries`, which stand by cells of type `dtype`, at each of `cells`.
fn behind<T: Copy>(cells: &[i64], dtype: DType, entries: &[T]) -> Vec<T> {
    cells.iter().map(|&cell| entries[(cell - i64::from(dtype.min())) as usize]).collect()
}

impl Translator {
    /// The program's value that `activation` is; makes it if it is a lookup that was not made yet.
    pub fn value(&mut self, activation: &Activation) -> Result<ValueId, OnnxError> {
        let index = match activation.place {
            Place::Value(id) => return Ok(id),
            Place::Lookup(index) => index,
        };
        let lookup = &self.lookups[index];
        if let Some(id) = lookup.value {
            return Ok(id);
        }
        let (name, input) = (lookup.name.clone(), lookup.input.clone());
        let cells = Cells::from_values(lookup.dtype, &lookup.table).map_err(|place| OnnxError::Tensor {
            name: name.clone(),
            what: format!("entry {place} of the table is no {}", lookup.dtype),
        })?;
        let input = self.value(&input)?;
        let table = self.cells(&format!("{name}.table"), 1, cells)?;
        let name = self.names.fresh(&name);
        let id = self.builder.lookup(&name, input, table);
        self.lookups[index].value = Some(id);
        Ok(id)
    }

    /// The lookup in `table` of `input`, called like `name`.
    fn lookup(&mut self, name: &str, input: &Activation, dtype: DType, table: Vec<i64>) -> Activation {
        let item = input.item.clone();
        let (input, table) = match input.place {
            Place::Value(_) => (input.clone(), table),
            Place::Lookup(index) => {
                let before = &self.lookups[index];
                (before.input.clone(), behind(&before.table, before.dtype, &table))
            }
        };
        self.lookups.push(Lookup { name: name.into(), input, dtype, table, value: None });
        let place = Place::Lookup(self.lookups.len() - 1);
        Activation { place, dtype, item, is_committed: true }
    }

    /// The same function, of the cells that a lookup was made of.
    fn rooted(&self, mapped: &Mapped) -> Mapped {
        let Place::Lookup(index) = mapped.activation.place else { return mapped.clone() };
        let before = &self.lookups[index];
        let values = behind(&before.table, before.dtype, &mapped.values());
        let quantisation = Quantisation::integers(before.input.dtype);
        Mapped { activation: before.input.clone(), quantisation, values: Some(Rc::new(values)) }
    }

    /// The function `f` of two functions, if both are of one activation or of lookups of one.
    pub fn joined(&self, a: &Mapped, b: &Mapped, f: impl Fn(f64, f64) -> f64) -> Option<Mapped> {
        let (a, b) = if a.activation == b.activation {
            (a.clone(), b.clone())
        } else {
            (self.rooted(a), self.rooted(b))
        };
        if a.activation != b.activation {
            return None;
        }
        let values = a.values().iter().zip(b.values().as_ref()).map(|(&a, &b)| to_f32(f(a, b))).collect();
        Some(Mapped { values: Some(Rc::new(values)), ..a })
    }
}

/// Makes cells of a function of cells: the cells themselves when it maps each to itself, else a lookup.
pub fn quantise(
    t: &mut Translator,
    node: &Node,
    mapped: &Mapped,
    settle: Settle,
) -> Result<Activation, OnnxError> {
    let (input, output) = (mapped.activation.dtype, settle.output.dtype);
    let rounding = rounding::of(node, settle.output);
    let entry = |(i, &real): (usize, &f64)| {
        let cell = settle.output.cell_by(rounding, real).ok_or_else(|| {
            let from = input.min() + i as i32;
            node.unsupported(format!(
                "the function before it gives no number for the cell {from} (real {:e}): quantise its operand so that \
                 every cell lies where the function is defined",
                mapped.quantisation.real(from)
            ))
        })?;
        Ok(i64::from(cell.clamp(settle.clamp.0, settle.clamp.1)))
    };
    let table = mapped.values().iter().enumerate().map(entry).collect::<Result<Vec<i64>, OnnxError>>()?;
    if input == output && (i64::from(input.min())..).zip(&table).all(|(cell, &entry)| cell == entry) {
        return Ok(mapped.activation.clone());
    }
    Ok(t.lookup(node.output()?, &mapped.activation, output, table))
}

/// The same cells, committed to in the order in which `input` shows them.
pub fn identity(t: &mut Translator, name: &str, input: &Activation) -> Activation {
    let table = (input.dtype.min()..=input.dtype.max()).map(i64::from).collect();
    t.lookup(name, input, input.dtype, table)
}
