//! Functions of one cell. They gather into a table of real numbers, one for each cell, until `QuantizeLinear` makes a lookup
//! of it (`lookups.rs`): so a function may be written in any number of nodes.
//!
//! Functions are computed in double precision; what lies between two nodes is rounded to float32, as it is in the model.

use std::f64::consts::PI;

use crate::{
    error::OnnxError,
    flow::{Flow, Mapped, Quantisation, Settle},
    lookups,
    node::{MICROSOFT, Node},
    translate::Translator,
};

/// The error function: `2/sqrt(pi) exp(-x^2) sum_n 2^n x^(2n+1) / (1 * 3 * ... * (2n+1))` (DLMF 7.6.2). All terms have one
/// sign, so it keeps its digits; beyond 6 it is 1 in double precision.
fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 1.0);
    while term.abs() > 1e-17 * sum.abs() {
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
        n += 1.0;
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f64) -> f64 {
    // For large x the exponential overflows and the rest is x.
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + erf(x / 2f64.sqrt()))
}

fn gelu_of_tanh(x: f64) -> f64 {
    0.5 * x * (1.0 + ((2.0 / PI).sqrt() * (x + 0.044715 * x * x * x)).tanh())
}

fn elu(x: f64, alpha: f64) -> f64 {
    if x < 0.0 { alpha * x.exp_m1() } else { x }
}

/// What a function is of.
pub const QUANTISED: &str = "a dequantised activation (a model's real input must be quantised first: do this step outside the \
     model, or quantise the whole model)";

type Function = Box<dyn Fn(f64) -> f64>;

/// The function that the operator of `node` is, if it is one without further operands. Defaults of attributes are ONNX's.
pub fn of(node: &Node) -> Option<Function> {
    let attribute = |name: &str, default: f64| node.real(name).unwrap_or(default);
    let (alpha, beta) = (node.real("alpha"), node.real("beta"));
    Some(match (node.domain.as_str(), node.operator.as_str()) {
        ("", "Abs") => Box::new(f64::abs),
        ("", "Atan") => Box::new(f64::atan),
        ("", "Ceil") => Box::new(f64::ceil),
        ("", "Celu") => {
            let alpha = alpha.unwrap_or(1.0);
            Box::new(move |x| x.max(0.0) + (alpha * (x / alpha).exp_m1()).min(0.0))
        }
        ("", "Cos") => Box::new(f64::cos),
        ("", "Elu") => {
            let alpha = alpha.unwrap_or(1.0);
            Box::new(move |x| elu(x, alpha))
        }
        ("", "Erf") => Box::new(erf),
        ("", "Exp") => Box::new(f64::exp),
        ("", "Floor") => Box::new(f64::floor),
        ("", "Gelu") if node.string("approximate").as_deref() == Some("tanh") => Box::new(gelu_of_tanh),
        ("" | MICROSOFT, "Gelu") => Box::new(gelu),
        (MICROSOFT, "QuickGelu") => {
            let alpha = attribute("alpha", 1.702);
            Box::new(move |x| x * sigmoid(alpha * x))
        }
        ("", "HardSigmoid") => {
            let (alpha, beta) = (alpha.unwrap_or(0.2), beta.unwrap_or(0.5));
            Box::new(move |x| (alpha * x + beta).clamp(0.0, 1.0))
        }
        ("", "HardSwish") => Box::new(|x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
        ("", "LeakyRelu") => {
            let alpha = alpha.unwrap_or(f64::from(0.01f32));
            Box::new(move |x| if x < 0.0 { alpha * x } else { x })
        }
        ("", "Log") => Box::new(f64::ln),
        ("", "Mish") => Box::new(|x| x * softplus(x).tanh()),
        ("", "Neg") => Box::new(|x| -x),
        ("", "Reciprocal") => Box::new(f64::recip),
        ("", "Round") => Box::new(f64::round_ties_even),
        ("", "Selu") => {
            let alpha = alpha.unwrap_or(f64::from(1.673_263_2_f32));
            let gamma = attribute("gamma", f64::from(1.050_701_f32));
            Box::new(move |x| gamma * elu(x, alpha))
        }
        ("", "Sigmoid") => Box::new(sigmoid),
        ("", "Sign") => Box::new(|x| if x == 0.0 { 0.0 } else { x.signum() }),
        ("", "Sin") => Box::new(f64::sin),
        ("", "Softplus") => Box::new(softplus),
        ("", "Softsign") => Box::new(|x| x / (1.0 + x.abs())),
        ("", "Sqrt") => Box::new(f64::sqrt),
        ("", "Swish") => {
            let alpha = alpha.unwrap_or(1.0);
            Box::new(move |x| x * sigmoid(alpha * x))
        }
        ("", "Tanh") => Box::new(f64::tanh),
        ("", "ThresholdedRelu") => {
            let alpha = alpha.unwrap_or(1.0);
            Box::new(move |x| if x > alpha { x } else { 0.0 })
        }
        _ => return None,
    })
}

/// `function` of each cell of the activation at input 0.
pub fn apply(t: &Translator, node: &Node, function: &Function) -> Result<Flow, OnnxError> {
    match t.flow(node, 0, "the operand")? {
        Flow::Mapped(mapped) => Ok(Flow::Mapped(mapped.then(function))),
        Flow::Pending(_) => Err(node.unsupported(
            "its operand is not quantised yet: put QuantizeLinear and DequantizeLinear before this node (onnxruntime's \
             quantiser does where the operator before is quantised)",
        )),
        other => Err(node.operand("the operand", QUANTISED, other.describe())),
    }
}

/// A `Relu` or `Clip`: `min(max(x, low), high)`.
fn clip(t: &mut Translator, node: &Node, low: f64, high: f64) -> Result<Flow, OnnxError> {
    let clip = |x: f64| x.max(low).min(high);
    match t.flow(node, 0, "the operand")?.clone() {
        Flow::Mapped(mapped) => Ok(Flow::Mapped(mapped.then(clip))),
        Flow::Pending(mut pending) => {
            pending.bounds = (clip(pending.bounds.0), clip(pending.bounds.1));
            Ok(Flow::Pending(pending))
        }
        // Of integers, from opset 12 and 14 on.
        Flow::Cells(activation) => {
            let quantisation = Quantisation::integers(activation.dtype);
            let mapped = Mapped::new(activation, quantisation).then(clip);
            lookups::quantise(t, node, &mapped, Settle::whole(quantisation)).map(Flow::Cells)
        }
        other => Err(node.operand("the operand", QUANTISED, other.describe())),
    }
}

/// `Relu`
pub fn relu(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    clip(t, node, 0.0, f64::INFINITY)
}

/// `Clip` between constants, which were attributes before opset 11.
pub fn clip_between(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let bound = |index, attribute, default| -> Result<f64, OnnxError> {
        if node.optional_input(index).is_none() {
            return Ok(node.real(attribute).unwrap_or(default));
        }
        let number = match t.flow(node, index, "a bound")? {
            Flow::Constant(tensor) => match tensor.integers() {
                Some(&[integer]) => Some(integer as f64),
                _ => tensor.number(),
            },
            Flow::RealConstant(constant) => constant.reals().and_then(|r| (r.len() == 1).then(|| r[0])),
            _ => None,
        };
        number
            .filter(|n| !n.is_nan())
            .ok_or_else(|| node.unsupported("a bound of Clip must be a constant that is one number"))
    };
    let (low, high) = (bound(1, "min", f64::NEG_INFINITY)?, bound(2, "max", f64::INFINITY)?);
    clip(t, node, low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_function() {
        // Values of DLMF 7 and of any table.
        for (x, expected) in [
            (0.0, 0.0),
            (0.1, 0.112_462_916_018_284_9),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.0, 0.995_322_265_018_952_7),
            (3.0, 0.999_977_909_503_001_4),
            (5.9, 1.0),
            (100.0, 1.0),
        ] {
            assert!((erf(x) - expected).abs() < 1e-14, "{x}: {}", erf(x));
            assert_eq!(erf(-x), -erf(x));
        }
    }

    #[test]
    fn large_arguments_stay_numbers() {
        for x in [-1e30, -1e4, -100.0, 0.0, 100.0, 1e4, 1e30] {
            for f in [erf, sigmoid, softplus, gelu, gelu_of_tanh] {
                assert!(!f(x).is_nan(), "{x}");
            }
        }
        assert_eq!((softplus(1e4), softplus(-1e4), gelu(50.0)), (1e4, 0.0, 50.0));
    }
}
