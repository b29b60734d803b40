//! Operators that only arrange the cells of an item anew.

use crate::{
    error::OnnxError,
    flow::{Activation, Flow, Mapped, Place},
    node::Node,
    tensor::Tensor,
    translate::Translator,
};

/// Another arrangement of an item.
#[derive(Clone, Debug, PartialEq)]
pub enum View {
    /// The same cells in the same order under another shape.
    Reshape(Vec<u32>),
    /// Dimension d becomes what was dimension `permutation[d]`.
    Transpose(Vec<u8>),
}

/// Number of cells of a shape, if it is a 32-bit number.
pub fn count(shape: &[u32]) -> Option<u32> {
    shape.iter().try_fold(1u32, |product, &d| product.checked_mul(d))
}

impl View {
    /// The shape of an item of shape `item` under this view.
    pub fn shape(&self, item: &[u32]) -> Vec<u32> {
        match self {
            Self::Reshape(shape) => shape.clone(),
            Self::Transpose(permutation) => permutation.iter().map(|&d| item[usize::from(d)]).collect(),
        }
    }

    /// The view of `activation` in the program, with a name like `name`.
    pub fn apply(
        &self,
        t: &mut Translator,
        name: &str,
        activation: Activation,
    ) -> Result<Activation, OnnxError> {
        let item = self.shape(&activation.item);
        if item == activation.item && matches!(self, Self::Reshape(_)) {
            return Ok(activation);
        }
        let input = t.value(&activation)?;
        let name = t.names.fresh(name);
        let (id, is_committed) = match self {
            Self::Reshape(shape) => (t.builder.reshape(&name, input, shape), activation.is_committed),
            Self::Transpose(permutation) => (t.builder.transpose(&name, input, permutation), false),
        };
        Ok(Activation { place: Place::Value(id), item, is_committed, ..activation })
    }
}

/// Shape of the items of the activation at input 0.
pub fn item(t: &Translator, node: &Node) -> Result<Vec<u32>, OnnxError> {
    match t.flow(node, 0, "the operand")? {
        Flow::RealInput(views) => Ok(views.iter().fold(t.input_item.clone(), |item, view| view.shape(&item))),
        Flow::Cells(activation) => Ok(activation.item.clone()),
        Flow::Mapped(mapped) => Ok(mapped.activation.item.clone()),
        Flow::Pending(pending) => Ok(pending.item.clone()),
        other => Err(node.operand("the operand", "an activation", other.describe())),
    }
}

/// `view` of the activation at input 0.
fn apply(t: &mut Translator, node: &Node, view: View) -> Result<Flow, OnnxError> {
    let name = node.output()?;
    Ok(match t.flow(node, 0, "the operand")?.clone() {
        Flow::RealInput(mut views) => {
            views.push(view);
            Flow::RealInput(views)
        }
        Flow::Cells(activation) => Flow::Cells(view.apply(t, name, activation)?),
        // A function of each cell does not care where the cells lie.
        Flow::Mapped(mapped) => {
            let activation = view.apply(t, name, mapped.activation)?;
            Flow::Mapped(Mapped { activation, ..mapped })
        }
        Flow::Pending(mut pending) => {
            let item = view.shape(&pending.item);
            pending.view(view, item);
            Flow::Pending(pending)
        }
        other => return Err(node.operand("the operand", "an activation", other.describe())),
    })
}

/// Gives the operand's items the shape `shape`, or refuses.
fn reshaped(
    t: &mut Translator,
    node: &Node,
    current: &[u32],
    shape: Option<Vec<u32>>,
) -> Result<Flow, OnnxError> {
    let fits = |shape: &Vec<u32>| !shape.is_empty() && count(shape) == count(current);
    let shape = shape.filter(fits).ok_or_else(|| {
        node.unsupported(format!(
            "only views that keep the batch as the first dimension, and another one, are supported (items here: \
             {current:?})"
        ))
    })?;
    apply(t, node, View::Reshape(shape))
}

/// `Flatten` at axis 1.
pub fn flatten(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let item = item(t, node)?;
    let axis = node.integer("axis", 1);
    if axis != 1 && axis != -(item.len() as i64) {
        return Err(node.unsupported("only Flatten at axis 1 is supported: the batch is the first dimension"));
    }
    reshaped(t, node, &item, count(&item).map(|cells| vec![cells]))
}

/// `Reshape` to a constant shape whose first dimension stays the batch.
pub fn reshape(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let tensor = match t.flow(node, 1, "the shape")? {
        Flow::Constant(tensor) => tensor,
        other => {
            let expected = "a constant (fold constants before, for example with onnxsim)";
            return Err(node.operand("the shape", expected, other.describe()));
        }
    };
    let target = match tensor.integers() {
        Some(dimensions) if dimensions.len() >= 2 => dimensions.to_vec(),
        _ => return Err(node.operand("the shape", "int64, [batch, ...]", tensor.describe())),
    };
    let item = item(t, node)?;
    let allow_zero = node.integer("allowzero", 0) != 0;
    let shape = || {
        // The batch: copied (0), inferred while every other dimension is given (-1), or the number that the model fixes.
        let inferred = target[1..].iter().filter(|&&d| d == -1).count();
        let batch = match target[0] {
            0 => !allow_zero && inferred <= 1,
            -1 => inferred == 0,
            fixed => t.batch.is_some_and(|batch| i64::from(batch) == fixed) && inferred <= 1,
        };
        if !batch {
            return None;
        }
        let given = |(i, &d): (usize, &i64)| match d {
            0 if !allow_zero => item.get(i).copied(),
            -1 => Some(1),
            d => u32::try_from(d).ok().filter(|&d| d > 0),
        };
        let mut shape: Vec<u32> = target[1..].iter().enumerate().map(given).collect::<Option<_>>()?;
        let known = count(&shape)?;
        if let Some(place) = target[1..].iter().position(|&d| d == -1) {
            // Rounds down when it does not divide; the caller compares the products.
            shape[place] = count(&item)? / known;
        }
        Some(shape)
    };
    let shape = shape();
    reshaped(t, node, &item, shape)
}

/// The dimensions that a `Squeeze` or `Unsqueeze` of a tensor of `rank` dimensions names: an input, or in older operator
/// sets an attribute. `None` when it names none.
fn axes(t: &Translator, node: &Node, rank: usize) -> Result<Option<Vec<usize>>, OnnxError> {
    let axes = match t.optional_constant(node, 1, "the axes")? {
        Some(tensor) => Some(
            tensor.integers().ok_or_else(|| node.operand("the axes", "int64", tensor.describe()))?.to_vec(),
        ),
        None => node.integers("axes").map(<[i64]>::to_vec),
    };
    let Some(axes) = axes else { return Ok(None) };
    let place = |axis: i64| {
        let place = if axis < 0 { axis + rank as i64 } else { axis };
        usize::try_from(place).ok().filter(|&place| place < rank).ok_or_else(|| {
            node.unsupported(format!("axis {axis} does not exist in a tensor of {rank} dimensions"))
        })
    };
    axes.into_iter().map(place).collect::<Result<Vec<_>, _>>().map(Some)
}

/// `Squeeze` that keeps the batch.
pub fn squeeze(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let item = item(t, node)?;
    let axes = axes(t, node, item.len() + 1)?
        .ok_or_else(|| node.unsupported("without axes it could remove the batch: name the axes to remove"))?;
    // The batch is dimension 0; a dimension that is not 1 is caught by the number of cells.
    let kept = item.iter().enumerate().filter(|(d, _)| !axes.contains(&(d + 1))).map(|(_, &d)| d).collect();
    reshaped(t, node, &item, (!axes.contains(&0)).then_some(kept))
}

/// `Unsqueeze` behind the batch.
pub fn unsqueeze(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let item = item(t, node)?;
    let given = t.optional_constant(node, 1, "the axes")?.map(Tensor::len);
    let added = given.or(node.integers("axes").map(<[i64]>::len)).unwrap_or(0);
    let rank = item.len() + 1 + added;
    let axes = axes(t, node, rank)?
        .ok_or_else(|| node.unsupported("it names no axes: give them as its second input"))?;
    let mut rest = item.iter().copied();
    let shape = (1..rank).map(|d| if axes.contains(&d) { Some(1) } else { rest.next() }).collect();
    reshaped(t, node, &item, if axes.contains(&0) { None } else { shape })
}

/// `Transpose` that keeps the batch first.
pub fn transpose(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let item = item(t, node)?;
    let rank = item.len() + 1;
    // Without the attribute all dimensions are reversed.
    let permutation = node.integers("perm").map_or_else(|| (0..rank as i64).rev().collect(), <[i64]>::to_vec);
    let mut sorted = permutation.clone();
    sorted.sort_unstable();
    if sorted != (0..rank as i64).collect::<Vec<_>>() {
        let got = format!("{permutation:?}");
        return Err(node.operand("the permutation", format!("of {rank} dimensions"), got));
    }
    if permutation[0] != 0 {
        return Err(node.unsupported(format!(
            "the permutation {permutation:?} moves the batch; only those that keep dimension 0 in its place are supported"
        )));
    }
    let permutation: Vec<u8> = permutation[1..].iter().map(|&d| (d - 1) as u8).collect();
    let view = View::Transpose(permutation.clone());
    // When the dimensions that are not 1 stay in order, the cells do.
    let moved: Vec<u8> = permutation.into_iter().filter(|&d| item[usize::from(d)] != 1).collect();
    let view = if moved.is_sorted() { View::Reshape(view.shape(&item)) } else { view };
    apply(t, node, view)
}
