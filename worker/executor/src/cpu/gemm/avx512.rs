//! The kernel for AVX-512 VNNI: one instruction multiplies 16 columns by four inner indices and adds without saturating.

use std::arch::x86_64::{
    __m512i, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_si512,
    _mm512_storeu_si512,
};

use super::{COLUMNS, QUAD, Signed, Tile, in_turn, per_rows};

/// Columns of a vector.
const LANES: usize = 16;

/// `R` rows by `V` vectors of columns, all accumulators in registers.
///
/// # Safety
/// The processor has the instructions; `left` points to `R` rows, `pitch` bytes apart, of `quads` quads, `panel` to as many
/// quads of a panel, `acc` to `R` rows of accumulators, which are read unless `first`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn rows<const R: usize, const V: usize, const LEFT: bool>(
    left: *const u8,
    pitch: usize,
    panel: *const u8,
    quads: usize,
    first: bool,
    acc: *mut i32,
) {
    // SAFETY: every access lies where the caller says that there are bytes.
    unsafe {
        let left: [*const u8; R] = std::array::from_fn(|r| left.add(r.wrapping_mul(pitch)));
        let mut sums = [[_mm512_setzero_si512(); V]; R];
        if !first {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = _mm512_loadu_si512(acc.add(r * COLUMNS + v * LANES).cast());
                }
            }
        }
        let mut panel = panel;
        let end = quads.wrapping_mul(QUAD);
        let mut offset = 0usize;
        while offset != end {
            let b: [__m512i; V] =
                std::array::from_fn(|v| _mm512_loadu_si512(panel.add(v * LANES * QUAD).cast()));
            for (left, sums) in left.iter().zip(&mut sums) {
                let a = _mm512_set1_epi32(left.add(offset).cast::<i32>().read_unaligned());
                for (b, sum) in b.iter().zip(sums) {
                    *sum = if LEFT {
                        _mm512_dpbusd_epi32(*sum, *b, a)
                    } else {
                        _mm512_dpbusd_epi32(*sum, a, *b)
                    };
                }
            }
            panel = panel.add(COLUMNS * QUAD);
            offset = in_turn(offset.wrapping_add(QUAD));
        }
        for (r, sums) in sums.iter().enumerate() {
            for (v, &sum) in sums.iter().enumerate() {
                _mm512_storeu_si512(acc.add(r * COLUMNS + v * LANES).cast(), sum);
            }
        }
    }
}

/// Adds the tile's products to `acc`, or sets it to them.
///
/// # Safety
/// The processor has AVX-512 VNNI; the tile has been checked ([`Tile::check`]).
pub(super) unsafe fn accumulate(tile: &Tile<'_>, acc: &mut [i32]) {
    let Tile { pitch, quads, first, .. } = *tile;
    let (left, panel, acc) = (tile.left.as_ptr(), tile.panel.as_ptr(), acc.as_mut_ptr());
    // SAFETY: the caller answers for the processor, the tile's check for the lengths.
    macro_rules! call {
        ($r:literal) => {
            match (tile.columns <= LANES, tile.signed) {
                (true, Signed::Left) => unsafe { rows::<$r, 1, true>(left, pitch, panel, quads, first, acc) },
                (true, Signed::Panel) => unsafe {
                    rows::<$r, 1, false>(left, pitch, panel, quads, first, acc)
                },
                (false, Signed::Left) => unsafe {
                    rows::<$r, 2, true>(left, pitch, panel, quads, first, acc)
                },
                (false, Signed::Panel) => unsafe {
                    rows::<$r, 2, false>(left, pitch, panel, quads, first, acc)
                },
            }
        };
    }
    per_rows!(tile.rows, call, 1 2 3 4 5 6 7 8 9 10 11 12);
}
