//! The kernels for AVX2, with and without VNNI.
//!
//! Without it, bytes are widened to 16 bits first: `vpmaddubsw`, which multiplies bytes, saturates its sums of two products.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm_set1_epi32, _mm256_add_epi32, _mm256_cvtepi8_epi16,
    _mm256_cvtepu8_epi16, _mm256_dpbusd_avx_epi32, _mm256_hadd_epi32, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_permute4x64_epi64, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_storeu_si256,
};

use super::{COLUMNS, QUAD, Signed, Tile, in_turn, per_rows};

/// Columns of a vector of accumulators.
const LANES: usize = 8;
/// Rows and vectors of columns whose accumulators fit the 16 registers, with VNNI.
const VNNI: (usize, usize) = (6, 2);
/// Rows of [`LANES`] columns whose accumulators (two for each column) fit them without.
const WIDE: usize = 4;

/// What both kernels take: `R` rows, `pitch` bytes apart, of `quads` quads; as many quads of a panel; rows of accumulators.
#[derive(Clone, Copy)]
struct Pointers {
    left: *const u8,
    pitch: usize,
    panel: *const u8,
    quads: usize,
    first: bool,
    acc: *mut i32,
}

/// `R` rows by [`VNNI`]`.1` vectors of columns.
///
/// # Safety
/// The processor has the instructions; the pointers are to what [`Pointers`] says.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn rows_vnni<const R: usize, const LEFT: bool>(p: Pointers) {
    // SAFETY: every access lies where the caller says that there are bytes.
    unsafe {
        let left: [*const u8; R] = std::array::from_fn(|r| p.left.add(r.wrapping_mul(p.pitch)));
        let mut sums = [[_mm256_setzero_si256(); VNNI.1]; R];
        if !p.first {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = _mm256_loadu_si256(p.acc.add(r * COLUMNS + v * LANES).cast());
                }
            }
        }
        let mut panel = p.panel;
        let end = p.quads.wrapping_mul(QUAD);
        let mut offset = 0usize;
        while offset != end {
            let b: [__m256i; VNNI.1] =
                std::array::from_fn(|v| _mm256_loadu_si256(panel.add(v * LANES * QUAD).cast()));
            for (left, sums) in left.iter().zip(&mut sums) {
                let a = _mm256_set1_epi32(left.add(offset).cast::<i32>().read_unaligned());
                for (b, sum) in b.iter().zip(sums) {
                    *sum = if LEFT {
                        _mm256_dpbusd_avx_epi32(*sum, *b, a)
                    } else {
                        _mm256_dpbusd_avx_epi32(*sum, a, *b)
                    };
                }
            }
            panel = panel.add(COLUMNS * QUAD);
            offset = in_turn(offset.wrapping_add(QUAD));
        }
        for (r, sums) in sums.iter().enumerate() {
            for (v, &sum) in sums.iter().enumerate() {
                _mm256_storeu_si256(p.acc.add(r * COLUMNS + v * LANES).cast(), sum);
            }
        }
    }
}

/// 16 bytes as 16 signed words.
#[inline]
#[target_feature(enable = "avx2")]
fn widen<const SIGNED: bool>(bytes: __m128i) -> __m256i {
    if SIGNED { _mm256_cvtepi8_epi16(bytes) } else { _mm256_cvtepu8_epi16(bytes) }
}

/// `R` rows by [`LANES`] columns. `LEFT` and `PANEL` say which bytes are signed.
///
/// # Safety
/// As [`rows_vnni`].
#[target_feature(enable = "avx2")]
unsafe fn rows_wide<const R: usize, const LEFT: bool, const PANEL: bool>(p: Pointers) {
    // SAFETY: every access lies where the caller says that there are bytes.
    unsafe {
        let left: [*const u8; R] = std::array::from_fn(|r| p.left.add(r.wrapping_mul(p.pitch)));
        // For each row the columns 0 to 3 and 4 to 7, two accumulators for each.
        let mut sums = [[_mm256_setzero_si256(); 2]; R];
        let mut panel = p.panel;
        let end = p.quads.wrapping_mul(QUAD);
        let mut offset = 0usize;
        while offset != end {
            let b: [__m256i; 2] =
                std::array::from_fn(|v| widen::<PANEL>(_mm_loadu_si128(panel.add(v * 16).cast())));
            for (left, sums) in left.iter().zip(&mut sums) {
                let a = left.add(offset).cast::<i32>().read_unaligned();
                let a = widen::<LEFT>(_mm_set1_epi32(a));
                for (b, sum) in b.iter().zip(sums) {
                    // Two products of at most 255 * 128: far from 32 bits.
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(a, *b));
                }
            }
            panel = panel.add(COLUMNS * QUAD);
            offset = in_turn(offset.wrapping_add(QUAD));
        }
        for (r, [low, high]) in sums.into_iter().enumerate() {
            // The columns 0 1 4 5 2 3 6 7, then in order.
            let sum = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(low, high));
            let acc = p.acc.add(r * COLUMNS).cast();
            let before = if p.first { _mm256_setzero_si256() } else { _mm256_loadu_si256(acc) };
            _mm256_storeu_si256(acc, _mm256_add_epi32(before, sum));
        }
    }
}

/// Calls `kernel` for each part of the tile, of at most `rows` rows and `columns` columns.
fn parts(
    tile: &Tile<'_>,
    acc: &mut [i32],
    rows: usize,
    columns: usize,
    mut kernel: impl FnMut(usize, Pointers),
) {
    for first in (0..tile.rows).step_by(rows) {
        for column in (0..tile.columns).step_by(columns) {
            let part = Pointers {
                left: tile.left[first * tile.pitch..].as_ptr(),
                pitch: tile.pitch,
                panel: tile.panel[column * QUAD..].as_ptr(),
                quads: tile.quads,
                first: tile.first,
                acc: acc[first * COLUMNS + column..].as_mut_ptr(),
            };
            kernel(rows.min(tile.rows - first), part);
        }
    }
}

/// Adds the tile's products to `acc`, or sets it to them, with VNNI.
///
/// # Safety
/// The processor has AVX2 and AVX-VNNI; the tile has been checked ([`Tile::check`]).
pub(super) unsafe fn accumulate_vnni(tile: &Tile<'_>, acc: &mut [i32]) {
    parts(tile, acc, VNNI.0, VNNI.1 * LANES, |rows, part| {
        // SAFETY: the caller answers for the processor, the tile's check for the lengths.
        macro_rules! call {
            ($r:literal) => {
                match tile.signed {
                    Signed::Left => unsafe { rows_vnni::<$r, true>(part) },
                    Signed::Panel => unsafe { rows_vnni::<$r, false>(part) },
                }
            };
        }
        per_rows!(rows, call, 1 2 3 4 5 6);
    });
}

/// The same without.
///
/// # Safety
/// The processor has AVX2; the tile has been checked ([`Tile::check`]).
pub(super) unsafe fn accumulate(tile: &Tile<'_>, acc: &mut [i32]) {
    parts(tile, acc, WIDE, LANES, |rows, part| {
        // SAFETY: the caller answers for the processor, the tile's check for the lengths.
        macro_rules! call {
            ($r:literal) => {
                match tile.signed {
                    Signed::Left => unsafe { rows_wide::<$r, true, false>(part) },
                    Signed::Panel => unsafe { rows_wide::<$r, false, true>(part) },
                }
            };
        }
        per_rows!(rows, call, 1 2 3 4);
    });
}
