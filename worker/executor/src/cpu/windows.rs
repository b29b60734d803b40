//! Which windows have real cells where: what convolution and pools share.

use std::ops::Range;

use janction_program::Window;

/// Windows over a plane, with what does not change from one row to the next. Kernels may be much larger than the plane: only
/// what lies inside is ever looked at.
pub(super) struct Windows {
    pub(super) window: Window,
    /// For each line of windows the vertical kernel indices whose cells lie inside.
    real: Vec<Range<usize>>,
    /// The horizontal kernel indices at which some window of a line has a cell inside, and for each what [`Self::place`] says.
    across: Range<usize>,
    /// Those of them at which there is one: a kernel much larger than the plane and the stride leaves gaps.
    filled: Vec<usize>,
    places: Vec<(Range<usize>, usize)>,
}

/// What [`Windows::place`] says of horizontal kernel index `kw`.
fn place(w: &Window, kw: usize) -> (Range<usize>, usize) {
    // Window x has it at x * stride + kw * dilation - before, which must be in 0..width.
    let (stride, offset, before) = (w.strides[1], kw * w.dilations[1], w.pads[1]);
    let first = before.saturating_sub(offset).div_ceil(stride);
    let end = (w.input[1] + before).saturating_sub(offset).div_ceil(stride).min(w.output[1]);
    let first = first.min(end);
    // Without any window the place is none.
    (first..end, (first * stride + offset).saturating_sub(before))
}

impl Windows {
    pub(super) fn new(window: Window) -> Self {
        let real = |d: usize| (0..window.output[d]).map(move |position| window.real(d, position));
        let filled = || real(1).filter(|indices| !indices.is_empty());
        let first = filled().map(|indices| indices.start).min().unwrap_or(0);
        let end = filled().map(|indices| indices.end).max().unwrap_or(first);
        let places: Vec<_> = (first..end).map(|kw| place(&window, kw)).collect();
        let filled = (first..end).zip(&places).filter(|(_, (inside, _))| !inside.is_empty());
        let mut filled: Vec<usize> = filled.map(|(kw, _)| kw).collect();
        filled.shrink_to_fit();
        Self { real: real(0).collect(), across: first..end, filled, places, window }
    }

    /// Bytes that it takes, at most.
    pub(super) const fn bytes(window: &Window) -> usize {
        window.output[0] * size_of::<Range<usize>>()
            + window.kernel[1] * size_of::<(usize, Range<usize>, usize)>()
    }

    /// The vertical kernel indices at which the windows of line `y` have cells inside.
    #[inline(always)]
    pub(super) fn down(&self, y: usize) -> Range<usize> {
        self.real[y].clone()
    }

    /// The line of the plane in which the windows of line `y` have kernel line `kh`, one of [`Self::down`].
    #[inline(always)]
    pub(super) fn line(&self, y: usize, kh: usize) -> usize {
        let w = &self.window;
        y * w.strides[0] + kh * w.dilations[0] - w.pads[0]
    }

    /// The horizontal kernel indices at which some window of a line has a cell inside.
    #[inline(always)]
    pub(super) fn across(&self) -> &[usize] {
        &self.filled
    }

    /// The windows of a line that have a cell inside at horizontal kernel index `kw`: they are neighbours. And where in its line
    /// the first one of them has it.
    #[inline(always)]
    pub(super) fn place(&self, kw: usize) -> (Range<usize>, usize) {
        match kw.checked_sub(self.across.start).and_then(|index| self.places.get(index)) {
            Some((inside, place)) => (inside.clone(), *place),
            None => (0..0, 0),
        }
    }
}

/// Calls `each` for the cells of `line` that neighbouring windows have at one kernel index, the first of them at `place`.
#[inline(always)]
pub(super) fn strided<T>(
    results: &mut [T],
    line: &[u8],
    place: usize,
    stride: usize,
    each: impl Fn(&mut T, u8),
) {
    if results.is_empty() {
        return;
    }
    let line = &line[place..];
    match stride {
        1 => results.iter_mut().zip(line).for_each(|(result, &cell)| each(result, cell)),
        2 => {
            let (pairs, last) = line.as_chunks::<2>();
            let (paired, alone) = results.split_at_mut(results.len().min(pairs.len()));
            paired.iter_mut().zip(pairs).for_each(|(result, pair)| each(result, pair[0]));
            alone.iter_mut().zip(last).for_each(|(result, &cell)| each(result, cell));
        }
        _ => {
            results
                .iter_mut()
                .zip(line.iter().step_by(stride))
                .for_each(|(result, &cell)| each(result, cell));
        }
    }
}

#[cfg(test)]
mod tests {
    use janction_program::test_utils::Random;

    use super::*;

    /// Cell by cell the windows of the definition.
    #[test]
    fn the_cells_inside_are_those_of_the_definition() {
        let r = &mut Random::new(11);
        for _ in 0..1000 {
            let mut pair = |low, high| [r.range(low, high) as usize, r.range(low, high) as usize];
            let (input, kernel, strides, dilations) = (pair(1, 7), pair(1, 4), pair(1, 3), pair(1, 3));
            let (before, after) = (pair(0, 9), pair(0, 9));
            let left =
                |d: usize| (input[d] + before[d] + after[d]).checked_sub((kernel[d] - 1) * dilations[d] + 1);
            let (Some(down), Some(across)) = (left(0), left(1)) else { continue };
            let output = [down / strides[0] + 1, across / strides[1] + 1];
            let pads = [before[0], before[1], after[0], after[1]];
            let window = Window { channels: 1, input, output, kernel, strides, dilations, pads };
            let windows = Windows::new(window);
            for y in 0..window.output[0] {
                let mut found = vec![Vec::new(); window.output[1]];
                for kh in windows.down(y) {
                    for &kw in windows.across() {
                        let (inside, place) = windows.place(kw);
                        let line = windows.line(y, kh) * window.input[1];
                        for (i, x) in inside.enumerate() {
                            let cell = line + place + i * window.strides[1];
                            found[x].push((kh * window.kernel[1] + kw, cell));
                        }
                    }
                }
                for (x, found) in found.into_iter().enumerate() {
                    assert_eq!(found, window.cells(y, x).collect::<Vec<_>>(), "{window:?} at {y}, {x}");
                }
            }
        }
    }
}
