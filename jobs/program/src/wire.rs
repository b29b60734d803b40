//! Bytes of the container: big-endian, no field optional without a flag, nothing allocated before it is there.

use crate::{
    error::DecodeError,
    limits::MAX_COLUMNS,
    requantise::{PerColumn, Requantise},
    rounding::Rounding,
};

/// Appends fields to a byte string.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub fn flag(&mut self, value: bool) {
        self.u8(value.into());
    }

    pub fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    pub fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub fn i32(&mut self, value: i32) {
        self.bytes(&value.to_be_bytes());
    }

    /// A name: its length in one byte, then its bytes (names are at most 64 bytes long).
    pub fn name(&mut self, name: &str) {
        self.u8(name.len() as u8);
        self.bytes(name.as_bytes());
    }

    /// `All`: flag 0 and the entry. `Each`: flag 1, the count (4 bytes), the entries.
    pub fn per_column<T>(&mut self, values: &PerColumn<T>, mut entry: impl FnMut(&mut Self, &T)) {
        match values {
            PerColumn::All(value) => {
                self.flag(false);
                entry(self, value);
            }
            PerColumn::Each(values) => {
                self.flag(true);
                self.u32(values.len() as u32);
                values.iter().for_each(|value| entry(self, value));
            }
        }
    }

    /// Multipliers (4 bytes) and shifts with their roundings (1 byte), one or each.
    pub fn requantise(&mut self, entries: &PerColumn<Requantise>) {
        self.per_column(entries, |w, r| {
            w.u32(r.multiplier);
            w.u8(r.rounding.code(r.shift));
        });
    }

    /// The bounds of a clamp.
    pub fn clamp(&mut self, (low, high): (i32, i32)) {
        self.i32(low);
        self.i32(high);
    }
}

/// Reads fields from a byte string; every read says how much was missing.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub const fn offset(&self) -> usize {
        self.offset
    }

    pub const fn left(&self) -> usize {
        self.bytes.len() - self.offset
    }

    /// Fails unless `needed` bytes are left.
    pub const fn need(&self, needed: usize) -> Result<(), DecodeError> {
        if self.left() < needed {
            return Err(DecodeError::Truncated { offset: self.offset, needed, left: self.left() });
        }
        Ok(())
    }

    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        self.need(count)?;
        let start = self.offset;
        self.offset += count;
        Ok(&self.bytes[start..self.offset])
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    pub fn flag(&mut self) -> Result<bool, DecodeError> {
        let offset = self.offset;
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            got => Err(DecodeError::Field { offset, what: "flag", got: got.into() }),
        }
    }

    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_be_bytes)
    }

    /// A count of things of at least `width` bytes each, in 4 bytes: at most `max`, and that many must be left.
    pub fn count(&mut self, what: &'static str, max: usize, width: usize) -> Result<usize, DecodeError> {
        let offset = self.offset;
        let count = self.u32()? as usize;
        if count > max {
            return Err(DecodeError::Field { offset, what, got: count as u64 });
        }
        self.need(count * width)?;
        Ok(count)
    }

    pub fn name(&mut self) -> Result<String, DecodeError> {
        let offset = self.offset;
        let length = self.u8()?;
        let name = std::str::from_utf8(self.bytes(length.into())?)
            .ok()
            .filter(|name| crate::validate::is_name(name));
        name.map(Into::into).ok_or(DecodeError::Field {
            offset,
            what: "name of this length",
            got: length.into(),
        })
    }

    /// See [`Writer::per_column`]; an entry takes `width` bytes.
    pub fn per_column<T>(
        &mut self,
        max: usize,
        width: usize,
        mut entry: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<PerColumn<T>, DecodeError> {
        if !self.flag()? {
            return Ok(PerColumn::All(entry(self)?));
        }
        let count = self.count("number of columns", max, width)?;
        (0..count).map(|_| entry(self)).collect::<Result<_, _>>().map(PerColumn::Each)
    }

    /// See [`Writer::requantise`].
    pub fn requantise(&mut self) -> Result<PerColumn<Requantise>, DecodeError> {
        self.per_column(MAX_COLUMNS, 5, |r| {
            let multiplier = r.u32()?;
            let (shift, rounding) = Rounding::from_code(r.u8()?);
            Ok(Requantise { multiplier, shift, rounding })
        })
    }

    /// See [`Writer::clamp`].
    pub fn clamp(&mut self) -> Result<(i32, i32), DecodeError> {
        Ok((self.i32()?, self.i32()?))
    }

    /// Fails when bytes are left.
    pub const fn end(&self) -> Result<(), DecodeError> {
        if self.left() > 0 {
            return Err(DecodeError::Trailing { offset: self.offset, count: self.left() });
        }
        Ok(())
    }
}
