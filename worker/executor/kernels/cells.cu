// Cells and results, for all operations.
//
// A cell lies in memory as a byte. `raw ^ flip` with flip = 0x80 for int8 and 0 for uint8 is its distance from the smallest
// value of its type; cells of one tensor compare like these distances.

// A scaled accumulator as an output cell: moved by the zero point, clamped, of either type.
__device__ __forceinline__ u8 settle(long long scaled, int output_zero, int low, int high) {
    long long q = scaled + output_zero;
    return (u8)(q < low ? low : q > high ? high : q);
}

// value / 2^shift as the nearest integer. The lower six bits of `code` are the shift. Halves go up, or with bit 7 to the
// quotient whose parity is bit 6. The shift of a negative number is arithmetic, that is, rounds down.
__device__ __forceinline__ long long round_shift(long long value, u32 code) {
    u32 shift = code & 63;
    long long half = 1ll << (shift - 1);
    long long sum = value + half;
    long long up = sum >> shift;
    bool is_half = (sum & (2 * half - 1)) == 0;
    return up - (long long)(is_half && (code & 128) != 0 && ((up ^ (code >> 6)) & 1) != 0);
}
