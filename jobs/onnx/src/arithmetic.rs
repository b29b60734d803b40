//! `Add`, `Sub`, `Mul`, `Div`, `Pow`: of two activations, of one and a constant, of constants.

use crate::{
    error::OnnxError,
    flow::{Flow, Pending},
    function,
    node::Node,
    product::reals,
    sum::sum,
    translate::Translator,
};

/// The operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Max,
    Min,
}

impl Operator {
    fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Pow => a.powf(b),
            Self::Max => a.max(b),
            Self::Min => a.min(b),
        }
    }
}

/// The number that a constant is.
fn number(flow: &Flow) -> Option<f64> {
    match reals(flow)?.1[..] {
        [number] => Some(number),
        _ => None,
    }
}

/// Fails when broadcasting one operand against the other would put dimensions before the batch.
fn same_rank(node: &Node, operands: [&Flow; 2]) -> Result<(), OnnxError> {
    let item = |flow: &Flow| match flow {
        Flow::Mapped(mapped) => Some(mapped.activation.item.len()),
        Flow::Pending(pending) => Some(pending.item.len()),
        _ => None,
    };
    let Some(rank) = operands.into_iter().find_map(item) else { return Ok(()) };
    match operands.into_iter().filter_map(reals).find(|(shape, _)| shape.len() > rank + 1) {
        Some((shape, _)) => {
            let expected = format!("of at most {} dimensions", rank + 1);
            Err(node.operand("a constant operand", expected, format!("of shape {shape:?}")))
        }
        None => Ok(()),
    }
}

/// A product with a constant added, subtracted, multiplied or divided.
fn product(
    node: &Node,
    mut pending: Pending,
    operator: Operator,
    constant: &Flow,
) -> Result<Flow, OnnxError> {
    let Some((shape, reals)) = reals(constant) else {
        return Err(node.operand("a constant operand", "float32 or dequantised", constant.describe()));
    };
    let product = pending.product().ok_or_else(|| {
        node.unsupported(
            "only a product can be scaled or moved by a constant, before its Relu or Clip: put QuantizeLinear and \
             DequantizeLinear before this node",
        )
    })?;
    let list = product.by_column(&shape, &reals).ok_or_else(|| {
        let expected = format!("one number, or one for each of {} output columns", product.columns());
        node.operand("a constant operand", expected, format!("of shape {shape:?}"))
    })?;
    match operator {
        Operator::Add => product.add(&list),
        Operator::Sub => product.add(&list.iter().map(|b| -b).collect::<Vec<_>>()),
        _ => {
            if !list.iter().all(|f| f.is_finite() && *f > 0.0) {
                let expected = "positive numbers (a negative factor belongs into the weights)";
                return Err(node.operand("a factor", expected, "another one"));
            }
            match operator {
                Operator::Div => product.divide(&list),
                _ => product.scale(&list),
            }
        }
    }
    Ok(Flow::Pending(Box::new(pending)))
}

/// Joins two operands.
pub fn combine(
    t: &Translator,
    node: &Node,
    operator: Operator,
    a: &Flow,
    b: &Flow,
) -> Result<Flow, OnnxError> {
    use Operator::{Add, Div, Mul, Sub};
    let commutes = matches!(operator, Add | Mul);
    let apply = |a, b| operator.apply(a, b);
    if let Some(real) = [a, b].into_iter().find(|flow| matches!(flow, Flow::RealInput(_))) {
        return Err(node.operand("an operand", function::QUANTISED, real.describe()));
    }
    same_rank(node, [a, b])?;
    match (a, b) {
        (Flow::Constant(left), Flow::Constant(right)) => {
            let folded = left.combined(right, apply).map(Flow::Constant);
            return folded.ok_or_else(|| {
                let expected = "float32 of one shape, or one of them one number";
                node.operand(
                    "the constant operands",
                    expected,
                    format!("{} and {}", left.describe(), right.describe()),
                )
            });
        }
        (Flow::Mapped(left), Flow::Mapped(right)) => {
            if let Some(joined) = t.joined(left, right, apply) {
                return Ok(Flow::Mapped(joined));
            }
        }
        (Flow::Mapped(mapped), constant) | (constant, Flow::Mapped(mapped)) if number(constant).is_some() => {
            let n = number(constant).unwrap_or_default();
            let is_left = matches!(a, Flow::Mapped(_));
            return Ok(Flow::Mapped(mapped.then(|x| if is_left { apply(x, n) } else { apply(n, x) })));
        }
        (Flow::Pending(pending), constant @ (Flow::Constant(_) | Flow::RealConstant(_)))
            if commutes || matches!(operator, Sub | Div) =>
        {
            return product(node, (**pending).clone(), operator, constant);
        }
        (constant @ (Flow::Constant(_) | Flow::RealConstant(_)), Flow::Pending(pending)) if commutes => {
            return product(node, (**pending).clone(), operator, constant);
        }
        _ => {}
    }
    match operator {
        Add => sum(node, [a, b], [1.0, 1.0]),
        Sub => sum(node, [a, b], [1.0, -1.0]),
        _ => Err(node.unsupported(format!(
            "{} of {} and {} is not supported: one operand must be one constant number, or both must be functions of \
             one activation",
            node.operator,
            a.describe(),
            b.describe()
        ))),
    }
}

/// The two operands of a node, joined.
pub fn binary(t: &Translator, node: &Node, operator: Operator) -> Result<Flow, OnnxError> {
    if node.inputs.len() != 2 {
        return Err(node.unsupported("two operands are supported: write it as several nodes"));
    }
    combine(t, node, operator, t.flow(node, 0, "the left operand")?, t.flow(node, 1, "the right operand")?)
}

/// `PRelu` with one slope.
pub fn prelu(t: &Translator, node: &Node) -> Result<Flow, OnnxError> {
    let slope = number(t.flow(node, 1, "the slope")?)
        .ok_or_else(|| node.unsupported("only PRelu with one constant slope is supported"))?;
    let leaky: Box<dyn Fn(f64) -> f64> = Box::new(move |x| if x < 0.0 { slope * x } else { x });
    function::apply(t, node, &leaky)
}
