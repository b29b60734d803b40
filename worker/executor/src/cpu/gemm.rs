//! Products of bytes: rows of one factor by a panel of columns of the other, into 32-bit accumulators.
//!
//! One factor's bytes are unsigned, the other's signed, as VNNI multiplies them. The inner index is cut into *quads* of four,
//! which one instruction multiplies and adds up. The left factor lies row by row; the panel holds, for each quad in order, the
//! four bytes of each of its [`COLUMNS`] columns. Bytes that fill up the last quad are zeros on both sides.
//!
//! Sums wrap. That the sums of a program never do, in the end, is what its check has proven; on the way there they may, since zero
//! points are taken out afterwards ([`super::requantise`]).

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx512;
mod portable;

use rayon::prelude::*;

use super::instructions::Instructions;

/// Inner indices that are multiplied together.
pub(super) const QUAD: usize = 4;
/// Columns of a panel: two vectors of AVX-512.
pub(super) const COLUMNS: usize = 32;
/// Rows of a tile: with [`COLUMNS`] columns their accumulators take 24 of the 32 registers of AVX-512.
pub(super) const ROWS: usize = 12;
/// Quads that are multiplied before the next rows are: their part of the panel, 16 KiB, stays in the first cache.
const QUADS: usize = 128;

/// Which factor's bytes are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signed {
    /// The rows'.
    Left,
    /// The panel's.
    Panel,
}

/// Which code multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
}

/// At most [`ROWS`] rows of the left factor and one panel.
struct Tile<'a> {
    signed: Signed,
    left: &'a [u8],
    /// Bytes from one row to the next.
    pitch: usize,
    rows: usize,
    panel: &'a [u8],
    quads: usize,
    /// Whether sums start at zero, whatever stands in the accumulators.
    first: bool,
    /// Columns of the panel that are wanted; the others' accumulators may hold anything.
    columns: usize,
}

impl Tile<'_> {
    /// Checks what the kernels rely on.
    fn check(&self, acc: &[i32]) {
        assert!((1..=ROWS).contains(&self.rows) && (1..=COLUMNS).contains(&self.columns));
        assert!(self.left.len() >= (self.rows - 1) * self.pitch + self.quads * QUAD);
        assert!(self.panel.len() >= self.quads * QUAD * COLUMNS && acc.len() >= self.rows * COLUMNS);
    }

    /// Adds the products to `acc`, [`COLUMNS`] of them for each row, or sets it to them.
    #[allow(unsafe_code)]
    fn accumulate(&self, instructions: Instructions, acc: &mut [i32]) {
        self.check(acc);
        match instructions.kernel() {
            Kernel::Portable => portable::accumulate(self, acc),
            // SAFETY: here and below, having the instructions proves that the processor does, and the tile was checked.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { avx2::accumulate(self, acc) },
            #[cfg(target_arch = "x86_64")]
            Kernel::AvxVnni => unsafe { avx2::accumulate_vnni(self, acc) },
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512Vnni => unsafe { avx512::accumulate(self, acc) },
        }
    }
}

/// `offset`, and nothing that is loaded after this is loaded before it. Without it the compiler unrolls the kernels' loops and
/// mixes their turns, for which there are not enough registers.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
#[inline(always)]
fn in_turn(mut offset: usize) -> usize {
    // SAFETY: no instruction is executed.
    unsafe { std::arch::asm!("/* {0} */", inout(reg) offset, options(nostack, preserves_flags)) };
    offset
}

/// Calls `$call!(r)` with the number of rows as a literal.
#[cfg(target_arch = "x86_64")]
macro_rules! per_rows {
    ($rows:expr, $call:ident, $($r:literal)*) => {
        match $rows {
            $($r => $call!($r),)*
            rows => unreachable!("{rows} rows in a tile"),
        }
    };
}
#[cfg(target_arch = "x86_64")]
use per_rows;

/// Rows of a left factor.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    /// The rows' bytes; each row has bytes for whole quads.
    pub(super) bytes: &'a [u8],
    /// Bytes from one row to the next.
    pub(super) pitch: usize,
    /// Number of rows.
    pub(super) rows: usize,
}

/// Sums of the products of the rows of `left` with the first `columns` columns of `panel`, a whole panel: [`COLUMNS`] for each
/// row, in `buffer`.
pub(super) fn multiply<'a>(
    instructions: Instructions,
    signed: Signed,
    left: Left<'_>,
    panel: &[u8],
    columns: usize,
    buffer: &'a mut Vec<i32>,
) -> &'a [i32] {
    if buffer.len() < left.rows * COLUMNS {
        buffer.resize(left.rows * COLUMNS, 0);
    }
    let acc = &mut buffer[..left.rows * COLUMNS];
    for (part, panel) in panel.chunks(QUADS * QUAD * COLUMNS).enumerate() {
        let (quads, first) = (panel.len() / (QUAD * COLUMNS), part == 0);
        for (block, acc) in acc.chunks_mut(ROWS * COLUMNS).enumerate() {
            let bytes = &left.bytes[block * ROWS * left.pitch + part * QUADS * QUAD..];
            let (rows, pitch) = (acc.len() / COLUMNS, left.pitch);
            let tile = Tile { signed, left: bytes, pitch, rows, panel, quads, first, columns };
            tile.accumulate(instructions, acc);
        }
    }
    acc
}

/// A matrix as panels: panel p holds the columns from p * [`COLUMNS`] on, filled up with zeros.
pub(super) struct Panels {
    columns: usize,
    panel: usize,
    bytes: Vec<u8>,
}

impl Panels {
    /// Bytes that the panels of `inner` rows of `columns` columns take.
    pub(super) const fn bytes(inner: usize, columns: usize) -> usize {
        inner.next_multiple_of(QUAD) * columns.next_multiple_of(COLUMNS)
    }

    /// The panels of a matrix of `inner` rows of `columns` columns, row-major, each byte of it with `flip` exclusively or'ed.
    pub(super) fn new(inner: usize, columns: usize, cells: &[u8], flip: u8) -> Self {
        let panel = inner.next_multiple_of(QUAD) * COLUMNS;
        let mut bytes = vec![0; Self::bytes(inner, columns)];
        bytes.par_chunks_mut(panel).enumerate().for_each(|(p, panel)| {
            let range = p * COLUMNS..columns.min((p + 1) * COLUMNS);
            for (k, row) in cells.chunks_exact(columns).enumerate() {
                let places = panel[k / QUAD * QUAD * COLUMNS + k % QUAD..].iter_mut().step_by(QUAD);
                for (place, &cell) in places.zip(&row[range.clone()]) {
                    *place = cell ^ flip;
                }
            }
        });
        Self { columns, panel, bytes }
    }

    /// Number of panels.
    pub(super) fn count(&self) -> usize {
        self.bytes.len() / self.panel
    }

    /// Panel `p`, and how many columns it has.
    pub(super) fn get(&self, p: usize) -> (&[u8], usize) {
        (&self.bytes[p * self.panel..][..self.panel], COLUMNS.min(self.columns - p * COLUMNS))
    }
}

#[cfg(test)]
mod tests {
    use janction_program::test_utils::Random;

    use super::*;

    /// Every kernel at every number of rows and at ends of quads, with bytes at the ends of their ranges.
    #[test]
    fn kernels_give_the_wrapped_sums() {
        let r = &mut Random::new(3);
        for instructions in Instructions::available() {
            for (rows, inner, columns) in (1..=25).map(|rows: usize| (rows, 9usize, 33usize)).chain([
                (1, 1, 1),
                (13, 4, 16),
                (12, 513, 17),
                (5, 1027, 32),
                (14, 1030, 65),
            ]) {
                for signed in [Signed::Left, Signed::Panel] {
                    let mut bytes = |count: usize| -> Vec<u8> {
                        let byte = |r: &mut Random| match r.range(0, 3) {
                            0 => 255,
                            1 => 128,
                            2 => 127,
                            _ => r.range(0, 255) as u8,
                        };
                        (0..count).map(|_| byte(r)).collect()
                    };
                    let (pitch, right) = (inner.next_multiple_of(QUAD) + 3, bytes(inner * columns));
                    let mut left = bytes(rows * pitch);
                    for row in left.chunks_exact_mut(pitch) {
                        row[inner..].fill(0);
                    }
                    let value = |byte: u8, of: Signed| {
                        if signed == of { i32::from(byte as i8) } else { i32::from(byte) }
                    };
                    let panels = Panels::new(inner, columns, &right, 0);
                    let mut acc = Vec::new();
                    for p in 0..panels.count() {
                        let (panel, count) = panels.get(p);
                        let left = Left { bytes: &left, pitch, rows };
                        let acc = multiply(instructions, signed, left, panel, count, &mut acc);
                        for (i, acc) in acc.chunks_exact(COLUMNS).enumerate() {
                            for (j, &acc) in acc.iter().enumerate().take(count) {
                                let expected = (0..inner)
                                    .map(|k| {
                                        value(left.bytes[i * pitch + k], Signed::Left)
                                            * value(right[k * columns + p * COLUMNS + j], Signed::Panel)
                                    })
                                    .sum::<i32>();
                                assert_eq!(
                                    acc, expected,
                                    "{instructions}, {rows}x{inner}x{columns}, {signed:?}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}
