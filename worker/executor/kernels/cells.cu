// Cells and results, for all operations.
//
// A cell lies in memory as a byte. `raw ^ flip` with flip = 0x80 for int8 and 0 for uint8 is its distance from the smallest
// value of its type; cells of one tensor compare like these distances.

// A scaled accumulator as an output cell: moved by the zero point, clamped, of either type.
__device__ __forceinline__ u8 settle(long long scaled, int output_zero, int low, int high) {
    long long q = scaled + output_zero;
    return (u8)(q < low ? low : q > high ? high : q);
}

// value / 2^shift, rounded, halves up. The shift of a negative number is arithmetic, that is, rounds down.
__device__ __forceinline__ long long round_shift(long long value, u32 shift) {
    return (value + (1ll << (shift - 1))) >> shift;
}
