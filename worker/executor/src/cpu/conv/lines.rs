//! The cells that windows have at each place of the kernel, as lines.
//!
//! Where windows share cells, lines are made in two steps: the windows of a line of the plane at one horizontal kernel index, for each
//! line of the plane (*unfolded*); of these, for each vertical kernel index, those that the windows have. That takes time and memory for
//! all lines of the plane between the first and the last that some window has, of which a kernel with few lines far apart has hardly
//! any; where it would be more than to look the cells up one by one, that is done, so that neither exceeds what the multiply-adds take.

use std::ops::Range;

use super::super::windows::strided;
use super::{Prepared, Scratch};

/// Bytes that are copied together. Behind every line there are so many that nothing is read from.
pub(super) const WIDE: usize = 32;

/// Consecutive windows of one line of one row.
pub(super) struct Segment {
    row: usize,
    /// Number of the line of windows, and the first window in it.
    y: usize,
    x: usize,
    count: usize,
    /// Where they stand among the windows at hand.
    place: usize,
    /// The vertical kernel indices at which they have cells inside, and where among the unfolded cells those of kernel index 0
    /// would be.
    kernel: Range<usize>,
    origin: isize,
}

/// The segments of one row.
pub(super) struct Part {
    segments: Range<usize>,
    /// Where that is worth it, what is unfolded: windows of a line, and lines of the plane.
    unfolded: Option<(Range<usize>, Range<usize>)>,
}

/// Copies `count` bytes, [`WIDE`] at a time: what follows them in `to` is overwritten.
#[inline(always)]
fn copy_wide(to: &mut [u8], from: &[u8], count: usize) {
    for start in (0..count).step_by(WIDE) {
        match (to[start..].first_chunk_mut::<WIDE>(), from[start..].first_chunk()) {
            (Some(to), Some(from)) => *to = *from,
            _ => to[start..count].copy_from_slice(&from[start..count]),
        }
    }
}

/// Copies `count` bytes that stand `stride` apart in `from`. What follows them in `to`, up to [`WIDE`] bytes, is overwritten.
#[inline(always)]
fn copy_strided(to: &mut [u8], from: &[u8], stride: usize, count: usize) {
    match stride {
        1 => copy_wide(to, from, count),
        2 => {
            for start in (0..count).step_by(WIDE / 2) {
                match (to[start..].first_chunk_mut::<{ WIDE / 2 }>(), from[2 * start..].first_chunk::<WIDE>())
                {
                    (Some(to), Some(from)) => *to = std::array::from_fn(|i| from[2 * i]),
                    _ => strided(&mut to[start..count], &from[2 * start..], 0, 2, |to, cell| *to = cell),
                }
            }
        }
        _ => strided(&mut to[..count], from, 0, stride, |to, cell| *to = cell),
    }
}

/// A buffer of at least `length` bytes, whatever they are.
pub(super) fn sized(buffer: &mut Vec<u8>, length: usize) -> &mut [u8] {
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
    &mut buffer[..length]
}

impl Prepared {
    /// Cuts the windows `windows`, counted through rows, into segments and parts.
    pub(super) fn cut(&self, windows: Range<usize>, segments: &mut Vec<Segment>, parts: &mut Vec<Part>) {
        let window = &self.windows.window;
        let (positions, width) = (window.positions(), window.output[1]);
        segments.clear();
        parts.clear();
        let mut next = windows.start;
        while next < windows.end {
            let (row, position) = (next / positions, next % positions);
            let (y, x) = (position / width, position % width);
            let count = (width - x).min(windows.end - next);
            let (place, kernel) = (next - windows.start, self.windows.down(y));
            segments.push(Segment { row, y, x, count, place, kernel, origin: 0 });
            next += count;
        }
        let mut begin = 0;
        for row in segments.chunk_by_mut(|a, b| a.row == b.row) {
            let across = if let [one] = row { one.x..one.x + one.count } else { 0..width };
            let filled = || row.iter().filter(|segment| !segment.kernel.is_empty());
            let first = filled().map(|s| self.windows.line(s.y, s.kernel.start)).min().unwrap_or(0);
            let end = filled().map(|s| self.windows.line(s.y, s.kernel.end - 1) + 1).max().unwrap_or(first);
            let looked_up: usize = row.iter().map(|segment| segment.count * segment.kernel.len()).sum();
            let unfolds = across.len() * (end - first) < looked_up;
            for segment in &mut *row {
                // Numbers of cells and of lines, with pads: far from 2^63.
                let line = (segment.y * window.strides[0]) as isize - (window.pads[0] + first) as isize;
                segment.origin = line * across.len() as isize + (segment.x - across.start) as isize;
            }
            let unfolded = unfolds.then_some((across, first..end));
            parts.push(Part { segments: begin..begin + row.len(), unfolded });
            begin += row.len();
        }
    }

    /// Sets the lines of the windows that have been cut, `pitch` bytes each, over the channels from `first` on.
    pub(super) fn set_lines(&self, rows: &[u8], first: usize, scratch: &mut Scratch, pitch: usize) {
        let Scratch { segments, parts, unfolded, lines, .. } = scratch;
        let window = &self.windows.window;
        let (plane, kernel_cells) = (window.plane(), window.kernel_cells());
        for part in parts {
            let segments = &segments[part.segments.clone()];
            for c in 0..self.seen {
                let plane = &rows[(segments[0].row * window.channels + first + c) * plane..][..plane];
                let lines = &mut lines[c * kernel_cells * pitch..][..kernel_cells * pitch];
                match &part.unfolded {
                    Some((across, down)) => {
                        let unfolded = sized(unfolded, across.len() * down.len() + WIDE);
                        self.set_unfolded(plane, segments, (across, down), unfolded, lines, pitch);
                    }
                    None => self.set_looked_up(plane, segments, lines, pitch),
                }
            }
        }
    }

    /// The cells that the windows `across` have at one horizontal kernel index, of which [`Windows::place`] says `inside` and `place`, in
    /// the line at the beginning of `plane`. What follows them in `to`, up to [`WIDE`] bytes, is overwritten.
    #[inline(always)]
    fn set_line(
        &self,
        to: &mut [u8],
        across: &Range<usize>,
        plane: &[u8],
        (inside, place): &(Range<usize>, usize),
    ) {
        let stride = self.windows.window.strides[1];
        let first = inside.start.clamp(across.start, across.end);
        let end = inside.end.clamp(first, across.end);
        let place = place + (first - inside.start.min(first)) * stride;
        let (first, end) = (first - across.start, end - across.start);
        if first > 0 {
            to[..first].fill(self.outside);
        }
        if end > first {
            copy_strided(&mut to[first..], &plane[place..], stride, end - first);
        }
        if end < across.len() {
            to[end..across.len()].fill(self.outside);
        }
    }

    /// The lines of a channel, by way of what is unfolded of its plane.
    fn set_unfolded(
        &self,
        plane: &[u8],
        segments: &[Segment],
        (across, down): (&Range<usize>, &Range<usize>),
        unfolded: &mut [u8],
        lines: &mut [u8],
        pitch: usize,
    ) {
        let window = &self.windows.window;
        let ([kernel_lines, kernel_width], dilation) = (window.kernel, window.dilations[0]);
        let (width, line) = (across.len(), window.input[1]);
        let plane = &plane[down.start * line..down.end * line];
        for kw in 0..kernel_width {
            let place = self.windows.place(kw);
            for y in 0..down.len() {
                self.set_line(&mut unfolded[y * width..], across, &plane[y * line..], &place);
            }
            for kh in 0..kernel_lines {
                let made = &mut lines[(kh * kernel_width + kw) * pitch..][..pitch];
                let lower = (kh * dilation * width) as isize;
                for segment in segments {
                    let made = &mut made[segment.place..];
                    if segment.kernel.contains(&kh) {
                        let start = segment.origin.wrapping_add(lower) as usize;
                        copy_wide(made, &unfolded[start..], segment.count);
                    } else {
                        made[..segment.count].fill(self.outside);
                    }
                }
            }
        }
    }

    /// The lines of a channel, each window's cells from its plane.
    fn set_looked_up(&self, plane: &[u8], segments: &[Segment], lines: &mut [u8], pitch: usize) {
        let window = &self.windows.window;
        let (width, stride) = (window.input[1], window.strides[1]);
        // What is overwritten behind a segment is that of the next one, which comes later.
        for segment in segments {
            let across = segment.x..segment.x + segment.count;
            let kernel_lines = lines.chunks_exact_mut(window.kernel[1] * pitch);
            for (kh, lines) in kernel_lines.enumerate() {
                let made = lines.chunks_exact_mut(pitch).map(|made| &mut made[segment.place..]);
                if !segment.kernel.contains(&kh) {
                    made.for_each(|made| made[..segment.count].fill(self.outside));
                    continue;
                }
                let plane = &plane[self.windows.line(segment.y, kh) * width..];
                if segment.count == 1 {
                    for (kw, made) in made.enumerate() {
                        let (inside, place) = self.windows.place(kw);
                        let is_inside = inside.contains(&segment.x);
                        made[0] = if is_inside {
                            plane[place + (segment.x - inside.start) * stride]
                        } else {
                            self.outside
                        };
                    }
                } else {
                    made.enumerate()
                        .for_each(|(kw, made)| self.set_line(made, &across, plane, &self.windows.place(kw)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use janction_program::{
        Cells, Conv, DType, Operation, PerColumn, Program, Requantise, Slide, Tensor,
        builder::{Builder, ConvOptions, MatMulOptions},
    };

    use super::super::super::gemm::COLUMNS;
    use super::*;

    fn prepared(shape: [u32; 3], slide: Slide) -> Prepared {
        let inner = (shape[0] * slide.kernel[0] * slide.kernel[1]) as usize;
        let mut b = Builder::new("convolution", 0);
        let x = b.input("x", DType::U8, &shape);
        let w = b.constant("w", Tensor::new(inner, 1, Cells::I8(vec![1; inner])).unwrap());
        let product = MatMulOptions::new(PerColumn::All(Requantise::new(1 << 30, 50)));
        b.conv("y", x, w, DType::I8, ConvOptions::new(slide, product));
        let program: Program = b.build().unwrap();
        let Operation::Conv(op): &Operation = &program.steps()[0].operation else { unreachable!("one step") };
        let op: &Conv = op;
        Prepared::new(&program, op)
    }

    /// Whatever the windows, what is unfolded has fewer cells than the windows look at; and lines that have none in common are
    /// not unfolded.
    #[test]
    fn what_is_unfolded_is_less_than_what_is_looked_at() {
        let most = 1 << 20;
        for (shape, slide, unfolds) in [
            ([2, 20, 30], Slide::new([3, 3]).pads([1; 4]), true),
            ([1, 60, 61], Slide::new([7, 7]).strides([2, 2]), true),
            ([1, 9, 90], Slide::new([1, 5]), false),
            ([1, 64, 64], Slide::new([64, 64]), false),
            ([1, 200, 100], Slide::new([2, 8]).dilations([150, 1]), false),
            ([1, 99, 40], Slide::new([3, 3]).strides([33, 1]), false),
            // All lines of the plane for the windows of all lines would be 2^39 cells.
            ([1, most, 1], Slide::new([most, 1]).pads([1, most / 2 - 1, 0, 0]), false),
        ] {
            let conv = prepared(shape, slide);
            let (mut segments, mut parts) = (Vec::new(), Vec::new());
            let (positions, mut has_unfolded) = (conv.windows.window.positions(), false);
            for many in [COLUMNS, 16 * COLUMNS] {
                for first in (0..2 * positions).step_by(many).take(4000) {
                    conv.cut(first..(2 * positions).min(first + many), &mut segments, &mut parts);
                    for Part { segments: of, unfolded } in &parts {
                        let cells = segments[of.clone()].iter().map(|s| s.count * s.kernel.len()).sum();
                        if let Some((across, down)) = unfolded {
                            has_unfolded = true;
                            assert!(across.len() * down.len() < cells, "{shape:?}, {slide:?}");
                        }
                    }
                }
            }
            assert_eq!(has_unfolded, unfolds, "{shape:?}, {slide:?}");
        }
    }
}
