//! What to do about operators that a program does not have.

use crate::node::Node;

/// The operators that are supported, for messages.
pub const SUPPORTED: &str = "QuantizeLinear, DequantizeLinear, QLinearMatMul, QLinearConv, MatMulInteger, ConvInteger, Gemm, \
     MatMul, Conv, Add, Sub, Relu, Clip, MaxPool, AveragePool, GlobalAveragePool, Flatten, Reshape, Squeeze, Unsqueeze, \
     Transpose, Concat, Identity, Dropout, Cast, Constant, functions of one cell (Sigmoid, Tanh, Gelu, LeakyRelu, ...), and \
     com.microsoft's QGemm, QLinearAdd, QLinearAveragePool, QLinearGlobalAveragePool, QLinearConcat, QLinearSigmoid, \
     QLinearLeakyRelu; all in quantised form";

/// What to do instead of the operator of `node`.
pub fn remedy(node: &Node) -> &'static str {
    match node.operator.as_str() {
        "Softmax" | "LogSoftmax" | "Hardmax" | "QLinearSoftmax" | "ArgMax" | "ArgMin" | "TopK" => {
            "at the end of a model leave it off and apply it to the output (the order of the logits is the same); inside a \
             model it is not supported"
        }
        "LSTM" | "GRU" | "RNN" | "DynamicQuantizeLSTM" | "QLSTM" | "Scan" | "Loop" | "If" => {
            "programs have no recurrence and no branches: unroll the model into supported operators"
        }
        "DynamicQuantizeLinear" | "DynamicQuantizeMatMul" | "MatMulIntegerToFloat" => {
            "scales that depend on the input are not supported: quantise statically \
             (onnxruntime.quantization.quantize_static) instead of dynamically"
        }
        "BatchNormalization" => {
            "fold it into the convolution or product before it (onnxruntime.quantization.preprocess does) and quantise \
             again"
        }
        "Pad" => "use the pads of the convolution or pool behind it",
        "QLinearMul" => "products of two activations are not supported",
        "Shape" | "Gather" | "ConstantOfShape" | "Range" | "Slice" | "Expand" | "Where" => {
            "where it only computes a shape, fix the input's shape (python -m \
             onnxruntime.tools.make_dynamic_shape_fixed) and fold constants (for example with onnxsim)"
        }
        "LayerNormalization" | "InstanceNormalization" | "GroupNormalization" | "RMSNormalization" => {
            "normalisation over an activation is not supported; use one that folds into weights (BatchNormalization)"
        }
        "Attention" | "QAttention" | "MultiHeadAttention" | "QOrderedAttention" => {
            "products of two activations are not supported"
        }
        "Resize" | "Upsample" | "ConvTranspose" => "leave it off, or resize outside the model",
        "ReduceMean" | "ReduceSum" | "LpPool" => "for a mean over planes use GlobalAveragePool",
        "GlobalMaxPool" => "use MaxPool with the plane as its kernel",
        "Split" => "write its parts as operators of their own",
        _ => "",
    }
}
