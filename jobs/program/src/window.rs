//! Windows over planes: the one geometry of convolutions and pools.
//!
//! A row `[C, H, W]` is C planes of H x W cells. The window of output position (y, x) has its kernel cell (kh, kw) at
//!
//! ```text
//! (y * strides[0] + kh * dilations[0] - top, x * strides[1] + kw * dilations[1] - left)
//! OH = floor((H + top + bottom - dilations[0] * (KH - 1) - 1) / strides[0]) + 1, and OW alike
//! ```
//!
//! Kernel cells outside the plane contribute nothing. The others are the window's *real* cells.

use std::ops::Range;

use crate::{
    error::{DecodeError, ProgramError},
    limits::MAX_COLUMNS,
    operation::Context,
    program::Value,
    text::{Arguments, Printer, TextError},
    wire::{Reader, Writer},
};

/// How a window slides over a plane; all pairs are vertical, then horizontal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slide {
    /// Size of the kernel.
    pub kernel: [u32; 2],
    /// Cells between neighbouring windows.
    pub strides: [u32; 2],
    /// Cells between neighbouring kernel cells.
    pub dilations: [u32; 2],
    /// Cells that are added around the plane: top, left, bottom, right.
    pub pads: [u32; 4],
}

impl Slide {
    /// A kernel of this size, strides and dilations of 1, no pads.
    #[must_use]
    pub const fn new(kernel: [u32; 2]) -> Self {
        Self { kernel, strides: [1, 1], dilations: [1, 1], pads: [0; 4] }
    }

    /// Other strides.
    #[must_use]
    pub const fn strides(self, strides: [u32; 2]) -> Self {
        Self { strides, ..self }
    }

    /// Other dilations.
    #[must_use]
    pub const fn dilations(self, dilations: [u32; 2]) -> Self {
        Self { dilations, ..self }
    }

    /// Other pads: top, left, bottom, right.
    #[must_use]
    pub const fn pads(self, pads: [u32; 4]) -> Self {
        Self { pads, ..self }
    }

    /// The windows over rows of shape `shape`; `None` when it has not three dimensions, the kernel is larger than a plane with
    /// its pads, or a parameter is outside its range.
    pub(crate) fn over(&self, shape: &[u32]) -> Option<Window> {
        let [channels, height, width] = *shape else { return None };
        let extents = [self.kernel, self.strides, self.dilations, [height, width]];
        let in_range = |n: &u32| *n as usize <= MAX_COLUMNS;
        if !extents.iter().flatten().all(|n| *n > 0 && in_range(n)) || !self.pads.iter().all(in_range) {
            return None;
        }
        let wide = |pair: [u32; 2]| pair.map(|n| n as usize);
        let mut window = Window {
            channels: channels as usize,
            input: wide([height, width]),
            output: [0; 2],
            kernel: wide(self.kernel),
            strides: wide(self.strides),
            dilations: wide(self.dilations),
            pads: self.pads.map(|n| n as usize),
        };
        for d in 0..2 {
            // Every number is at most 2^20, so the products are at most 2^40.
            let padded = window.input[d] + window.pads[d] + window.pads[d + 2];
            let reach = window.dilations[d] * (window.kernel[d] - 1) + 1;
            window.output[d] = padded.checked_sub(reach)? / window.strides[d] + 1;
        }
        Some(window)
    }

    /// Checks the parameters and the operand `input`.
    pub(crate) fn check(&self, context: &Context<'_>, input: &Value) -> Result<Window, ProgramError> {
        let most = MAX_COLUMNS as i64;
        for d in 0..2 {
            context.parameter("kernel", self.kernel[d], 1, most)?;
            context.parameter("strides", self.strides[d], 1, most)?;
            context.parameter("dilations", self.dilations[d], 1, most)?;
        }
        for pad in self.pads {
            context.parameter("pads", pad, 0, most)?;
        }
        let [_, height, width] = input.shape[..] else {
            return Err(context.shape(
                "the input's row",
                "of three dimensions: channels, height, width (reshape it first)",
                input,
            ));
        };
        self.over(&input.shape).ok_or_else(|| {
            let reach = |d: usize| u64::from(self.dilations[d]) * u64::from(self.kernel[d] - 1) + 1;
            context.shape(
                "the kernel with its dilations",
                format!(
                    "at most {} x {}, the plane with its pads",
                    u64::from(height) + u64::from(self.pads[0]) + u64::from(self.pads[2]),
                    u64::from(width) + u64::from(self.pads[1]) + u64::from(self.pads[3]),
                ),
                format!("{} x {}", reach(0), reach(1)),
            )
        })
    }

    /// Kernel, strides, dilations if the operation has any, pads.
    pub(crate) fn encode(&self, writer: &mut Writer, has_dilations: bool) {
        let dilations: &[u32] = if has_dilations { &self.dilations } else { &[] };
        for &number in [&self.kernel[..], &self.strides, dilations, &self.pads].into_iter().flatten() {
            writer.u32(number);
        }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>, has_dilations: bool) -> Result<Self, DecodeError> {
        let mut pair = || Ok::<_, DecodeError>([reader.u32()?, reader.u32()?]);
        let (kernel, strides) = (pair()?, pair()?);
        let dilations = if has_dilations { pair()? } else { [1, 1] };
        let ([top, left], [bottom, right]) = (pair()?, pair()?);
        Ok(Self { kernel, strides, dilations, pads: [top, left, bottom, right] })
    }

    pub(crate) fn print(&self, p: &mut Printer<'_>, has_dilations: bool) {
        p.list("kernel", &self.kernel);
        p.list("strides", &self.strides);
        if has_dilations {
            p.list("dilations", &self.dilations);
        }
        p.list("pads", &self.pads);
    }

    /// Names of the fields that [`Self::parse`] reads.
    pub(crate) const FIELDS: [&'static str; 4] = ["kernel", "strides", "pads", "dilations"];

    /// Reads the field `field`, if it is one of the slide's.
    pub(crate) fn parse(&mut self, a: &mut Arguments<'_, '_>, field: &str) -> Result<(), TextError> {
        match field {
            "kernel" => self.kernel = a.list()?,
            "strides" => self.strides = a.list()?,
            "dilations" => self.dilations = a.list()?,
            "pads" => self.pads = a.list()?,
            _ => {}
        }
        Ok(())
    }
}

/// The windows of one operation over the planes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// C: planes of the input's row.
    pub channels: usize,
    /// H, W.
    pub input: [usize; 2],
    /// OH, OW.
    pub output: [usize; 2],
    /// KH, KW.
    pub kernel: [usize; 2],
    /// Cells between neighbouring windows, vertical and horizontal.
    pub strides: [usize; 2],
    /// Cells between neighbouring kernel cells, vertical and horizontal.
    pub dilations: [usize; 2],
    /// Cells around the plane: top, left, bottom, right.
    pub pads: [usize; 4],
}

impl Window {
    /// Cells of an input plane: H * W.
    #[must_use]
    pub const fn plane(&self) -> usize {
        self.input[0] * self.input[1]
    }

    /// Windows of a plane: OH * OW.
    #[must_use]
    pub const fn positions(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Cells of the kernel in one plane: KH * KW.
    #[must_use]
    pub const fn kernel_cells(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// The kernel indices of dimension `d` (0: vertical, 1: horizontal) whose cells lie inside the plane, for the window at
    /// `position` of that dimension. May be empty.
    #[must_use]
    pub fn real(&self, d: usize, position: usize) -> Range<usize> {
        // Kernel index k lies at start + k * dilation - before, which must be in 0..extent.
        let (start, before, dilation) = (position * self.strides[d], self.pads[d], self.dilations[d]);
        let first = before.saturating_sub(start).div_ceil(dilation);
        let end = (self.input[d] + before).saturating_sub(start).div_ceil(dilation).min(self.kernel[d]);
        first.min(end)..end
    }

    /// Where kernel index `k` of dimension `d` lies in the plane. It must be one of [`Self::real`].
    const fn place(&self, d: usize, position: usize, k: usize) -> usize {
        position * self.strides[d] + k * self.dilations[d] - self.pads[d]
    }

    /// The real cells of the window at (y, x): for each its kernel index kh * KW + kw and its index h * W + w in the plane, in
    /// the order of the kernel.
    pub fn cells(&self, y: usize, x: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let window = *self;
        let horizontal = self.real(1, x);
        self.real(0, y).flat_map(move |kh| {
            let (kernel, line) = (kh * window.kernel[1], window.place(0, y, kh) * window.input[1]);
            horizontal.clone().map(move |kw| (kernel + kw, line + window.place(1, x, kw)))
        })
    }

    /// How many real cells the window at (y, x) has.
    #[must_use]
    pub fn count(&self, y: usize, x: usize) -> usize {
        self.real(0, y).len() * self.real(1, x).len()
    }

    /// The largest number of real cells of any window.
    #[must_use]
    pub fn most_cells(&self) -> usize {
        let most = |d: usize| (0..self.output[d]).map(|p| self.real(d, p).len()).max().unwrap_or(0);
        most(0) * most(1)
    }

    /// Real cells of all windows of a plane.
    #[must_use]
    pub fn total_cells(&self) -> usize {
        let total = |d: usize| (0..self.output[d]).map(|p| self.real(d, p).len()).sum::<usize>();
        total(0).saturating_mul(total(1))
    }

    /// The first window without any real cell.
    pub(crate) fn empty(&self) -> Option<[usize; 2]> {
        let empty = |d: usize| (0..self.output[d]).find(|&p| self.real(d, p).is_empty());
        empty(0).map(|y| [y, 0]).or_else(|| empty(1).map(|x| [0, x]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_utils::Random;

    /// The definition, kernel cell by kernel cell.
    fn naive(w: &Window, y: usize, x: usize) -> Vec<(usize, usize)> {
        let mut cells = Vec::new();
        for kh in 0..w.kernel[0] {
            for kw in 0..w.kernel[1] {
                let h = (y * w.strides[0] + kh * w.dilations[0]) as i64 - w.pads[0] as i64;
                let v = (x * w.strides[1] + kw * w.dilations[1]) as i64 - w.pads[1] as i64;
                if (0..w.input[0] as i64).contains(&h) && (0..w.input[1] as i64).contains(&v) {
                    cells.push((kh * w.kernel[1] + kw, h as usize * w.input[1] + v as usize));
                }
            }
        }
        cells
    }

    #[test]
    fn the_real_cells_are_those_inside() {
        let r = &mut Random::new(7);
        let mut windows = 0;
        let mut n = |low, high| r.range(low, high) as u32;
        for _ in 0..2000 {
            let slide = Slide::new([n(1, 4), n(1, 4)])
                .strides([n(1, 3), n(1, 3)])
                .dilations([n(1, 3), n(1, 3)])
                .pads([n(0, 9), n(0, 3), n(0, 3), n(0, 9)]);
            let shape = [n(1, 2), n(1, 7), n(1, 7)];
            let Some(window) = slide.over(&shape) else { continue };
            let positions = (0..window.output[0]).flat_map(|y| (0..window.output[1]).map(move |x| [y, x]));
            let counts: Vec<usize> = positions
                .clone()
                .map(|[y, x]| {
                    let cells = naive(&window, y, x);
                    assert_eq!(window.cells(y, x).collect::<Vec<_>>(), cells, "{window:?} at {y}, {x}");
                    assert_eq!(window.count(y, x), cells.len());
                    cells.len()
                })
                .collect();
            assert_eq!(window.most_cells(), *counts.iter().max().unwrap());
            assert_eq!(window.total_cells(), counts.iter().sum());
            assert_eq!(window.empty().is_some(), counts.contains(&0), "{window:?}");
            windows += 1;
        }
        assert!(windows > 500);
    }

    #[test]
    fn sizes_are_those_of_the_formula() {
        let output = |slide: Slide, h, w| slide.over(&[1, h, w]).map(|window| window.output);
        assert_eq!(output(Slide::new([3, 3]), 8, 5), Some([6, 3]));
        assert_eq!(output(Slide::new([3, 3]).strides([2, 2]).pads([1, 0, 0, 1]), 8, 5), Some([4, 2]));
        assert_eq!(output(Slide::new([3, 1]).dilations([3, 9]), 7, 5), Some([1, 5]));
        assert_eq!(output(Slide::new([3, 1]).dilations([3, 1]), 6, 5), None);
        assert_eq!(Slide::new([1, 1]).over(&[4, 4]), None);
    }
}
