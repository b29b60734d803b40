//! Constant tensors of an ONNX file.

use std::fmt;

use janction_program::DType;
use onnx_protobuf::{TensorProto, tensor_proto::DataLocation};

use crate::error::OnnxError;

/// Element types that the importer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    F32,
    U8,
    I8,
    I32,
    I64,
}

impl ElementType {
    /// The type of a code of `TensorProto.DataType`.
    pub const fn from_code(code: i32) -> Option<Self> {
        match code {
            1 => Some(Self::F32),
            2 => Some(Self::U8),
            3 => Some(Self::I8),
            6 => Some(Self::I32),
            7 => Some(Self::I64),
            _ => None,
        }
    }

    const fn width(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::F32 | Self::I32 => 4,
            Self::I64 => 8,
        }
    }

    /// The type of cells that this is, if programs have it.
    pub const fn dtype(self) -> Option<DType> {
        match self {
            Self::U8 => Some(DType::U8),
            Self::I8 => Some(DType::I8),
            Self::I32 => Some(DType::I32),
            Self::F32 | Self::I64 => None,
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "float32",
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::I32 => "int32",
            Self::I64 => "int64",
        })
    }
}

/// A constant tensor; every supported element is exact as `f64` or `i64`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    pub element: ElementType,
    pub shape: Vec<usize>,
    values: Values,
}

#[derive(Clone, Debug, PartialEq)]
enum Values {
    Real(Vec<f64>),
    Integer(Vec<i64>),
}

fn chunks<const N: usize, T>(bytes: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
    bytes
        .chunks_exact(N)
        .map(|chunk| {
            let mut array = [0; N];
            array.copy_from_slice(chunk);
            read(array)
        })
        .collect()
}

impl Tensor {
    /// Reads a tensor, from its raw bytes or its typed fields.
    pub fn read(proto: &TensorProto) -> Result<Self, OnnxError> {
        let fail = |what: String| OnnxError::Tensor { name: proto.name.clone(), what };
        let element = ElementType::from_code(proto.data_type).ok_or_else(|| {
            fail(format!(
                "element type {} is not supported (float32, uint8, int8, int32, int64 are)",
                proto.data_type
            ))
        })?;
        if proto.data_location.enum_value() == Ok(DataLocation::EXTERNAL) {
            return Err(fail("its data are in another file; save the model with all data inside".into()));
        }
        let shape: Option<Vec<usize>> = proto.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
        let shape = shape.ok_or_else(|| fail("a dimension is negative".into()))?;
        let count = shape.iter().try_fold(1usize, |product, &d| product.checked_mul(d));
        let count = count.ok_or_else(|| fail("its dimensions are too large".into()))?;
        let raw = &proto.raw_data;
        if !raw.is_empty() && count.checked_mul(element.width()) != Some(raw.len()) {
            return Err(fail(format!("{count} elements of {element} do not take {} bytes", raw.len())));
        }
        let integers = |fields: &[i32]| fields.iter().map(|&v| i64::from(v)).collect();
        let values = match element {
            ElementType::F32 if raw.is_empty() => {
                Values::Real(proto.float_data.iter().map(|&v| f64::from(v)).collect())
            }
            ElementType::F32 => {
                Values::Real(chunks(raw, f32::from_le_bytes).into_iter().map(f64::from).collect())
            }
            ElementType::I64 if raw.is_empty() => Values::Integer(proto.int64_data.clone()),
            ElementType::I64 => Values::Integer(chunks(raw, i64::from_le_bytes)),
            _ if raw.is_empty() => Values::Integer(integers(&proto.int32_data)),
            ElementType::I32 => Values::Integer(integers(&chunks(raw, i32::from_le_bytes))),
            ElementType::U8 => Values::Integer(raw.iter().map(|&b| b.into()).collect()),
            ElementType::I8 => Values::Integer(raw.iter().map(|&b| i64::from(b as i8)).collect()),
        };
        let tensor = Self { element, shape, values };
        if tensor.len() != count {
            return Err(fail(format!(
                "its shape {:?} needs {count} elements, it has {}",
                tensor.shape,
                tensor.len()
            )));
        }
        if let (Some(dtype), Values::Integer(values)) = (element.dtype(), &tensor.values) {
            let range = i64::from(dtype.min())..=i64::from(dtype.max());
            if let Some(value) = values.iter().find(|v| !range.contains(v)) {
                return Err(fail(format!("the element {value} is no {element}")));
            }
        }
        Ok(tensor)
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Real(values) => values.len(),
            Values::Integer(values) => values.len(),
        }
    }

    /// The elements, if they are integers.
    pub fn integers(&self) -> Option<&[i64]> {
        match &self.values {
            Values::Integer(values) => Some(values),
            Values::Real(_) => None,
        }
    }

    /// The elements, if they are real numbers.
    pub fn reals(&self) -> Option<&[f64]> {
        match &self.values {
            Values::Real(values) => Some(values),
            Values::Integer(_) => None,
        }
    }

    /// The same type with other integers and shape.
    pub fn with_integers(&self, shape: Vec<usize>, values: Vec<i64>) -> Self {
        Self { element: self.element, shape, values: Values::Integer(values) }
    }

    /// The product of two tensors of real numbers of which one is a single number, rounded to float32 as a runtime
    /// that folds constants does.
    pub fn product_of_reals(&self, other: &Self) -> Option<Self> {
        let (one, many) = if self.len() == 1 { (self, other) } else { (other, self) };
        let ([factor], reals) = (one.reals()?, many.reals()?) else { return None };
        let values = reals.iter().map(|r| f64::from((r * factor) as f32)).collect();
        Some(Self { element: ElementType::F32, shape: many.shape.clone(), values: Values::Real(values) })
    }

    /// Type and shape, for messages.
    pub fn describe(&self) -> String {
        format!("{} of shape {:?}", self.element, self.shape)
    }
}
