//! The kernel for every processor.

use super::{COLUMNS, QUAD, Signed, Tile};

/// One row by one panel.
fn row<A: Into<i32> + Copy, B: Into<i32> + Copy>(
    tile: &Tile<'_>,
    left: &[u8],
    acc: &mut [i32],
    of_left: impl Fn(u8) -> A,
    of_panel: impl Fn(u8) -> B,
) {
    for (a, b) in left.as_chunks::<QUAD>().0.iter().zip(tile.panel.as_chunks::<{ COLUMNS * QUAD }>().0) {
        let a = a.map(|byte| -> i32 { of_left(byte).into() });
        for (acc, b) in acc.iter_mut().zip(b.as_chunks::<QUAD>().0) {
            // At most 4 * 255 * 128: no sum overflows but that with the accumulator, which wraps.
            let b = b.map(|byte| -> i32 { of_panel(byte).into() });
            let sum = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
            *acc = acc.wrapping_add(sum);
        }
    }
}

/// Adds the tile's products to `acc`, or sets it to them.
pub(super) fn accumulate(tile: &Tile<'_>, acc: &mut [i32]) {
    for (r, acc) in acc.chunks_exact_mut(COLUMNS).enumerate().take(tile.rows) {
        if tile.first {
            acc.fill(0);
        }
        let left = &tile.left[r * tile.pitch..][..tile.quads * QUAD];
        match tile.signed {
            Signed::Left => row(tile, left, acc, |a| a as i8, |b| b),
            Signed::Panel => row(tile, left, acc, |a| a, |b| b as i8),
        }
    }
}
