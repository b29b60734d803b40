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
    Bool,
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
            9 => Some(Self::Bool),
            _ => None,
        }
    }

    const fn width(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
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
            Self::F32 | Self::I64 | Self::Bool => None,
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
            Self::Bool => "bool",
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

/// The float32 nearest to `real`: what a tensor of the model would hold.
pub const fn to_f32(real: f64) -> f64 {
    real as f32 as f64
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
                "element type {} is not supported (float32, uint8, int8, int32, int64, bool are)",
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
            ElementType::U8 | ElementType::Bool => Values::Integer(raw.iter().map(|&b| b.into()).collect()),
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

    /// `operation` of two tensors of real numbers, of one shape or one of them a single number; rounded to float32 as a
    /// runtime that folds constants does.
    pub fn combined(&self, other: &Self, operation: impl Fn(f64, f64) -> f64) -> Option<Self> {
        let (a, b) = (self.reals()?, other.reals()?);
        let many = if self.len() == 1 { other } else { self };
        if self.len() != 1 && other.len() != 1 && self.shape != other.shape {
            return None;
        }
        let entry = |list: &[f64], i: usize| if list.len() == 1 { list[0] } else { list[i] };
        let values = (0..many.len()).map(|i| to_f32(operation(entry(a, i), entry(b, i)))).collect();
        Some(Self::of_reals(many.shape.clone(), values))
    }

    /// A tensor of float32.
    pub const fn of_reals(shape: Vec<usize>, values: Vec<f64>) -> Self {
        Self { element: ElementType::F32, shape, values: Values::Real(values) }
    }

    /// A tensor of int64.
    pub const fn of_integers(shape: Vec<usize>, values: Vec<i64>) -> Self {
        Self { element: ElementType::I64, shape, values: Values::Integer(values) }
    }

    /// A tensor of 8-bit cells, which must fit their type.
    pub const fn of_cells(dtype: DType, shape: Vec<usize>, values: Vec<i64>) -> Self {
        let element = match dtype {
            DType::I8 => ElementType::I8,
            DType::U8 => ElementType::U8,
            DType::I32 => ElementType::I32,
        };
        Self { element, shape, values: Values::Integer(values) }
    }

    /// The same numbers as float32, if all of them are exact.
    pub fn as_reals(&self) -> Option<Self> {
        let integers = match &self.values {
            Values::Real(_) => return Some(self.clone()),
            Values::Integer(integers) => integers,
        };
        let exact = |&v: &i64| (v.unsigned_abs() <= 1 << 24).then_some(v as f64);
        let values = integers.iter().map(exact).collect::<Option<Vec<f64>>>()?;
        Some(Self::of_reals(self.shape.clone(), values))
    }

    /// The one real number that the tensor is, whatever its rank.
    pub fn number(&self) -> Option<f64> {
        match self.reals() {
            Some(&[number]) => Some(number),
            _ => None,
        }
    }

    /// Type and shape, for messages.
    pub fn describe(&self) -> String {
        format!("{} of shape {:?}", self.element, self.shape)
    }
}
