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
// quotient whose parity is bit 6. With bit 6 alone the shift is even, the parity is bit 0, and the lower 24 bits of a
// remainder do not count: what is near a half goes where halves go. The shift of a negative number is arithmetic, that is,
// rounds down.
__device__ __forceinline__ long long round_shift(long long value, u32 code) {
    bool is_near = code >> 6 == 1;
    u32 shift = code & (is_near ? 62 : 63), parity = is_near ? code : code >> 6, near_bits = is_near ? 24 : 0;
    long long sum = value + (1ll << (shift - 1)) + ((1ll << near_bits) >> 1);
    long long up = sum >> shift;
    bool is_half = (sum & ((1ll << shift) - 1)) >> near_bits == 0;
    return up - (long long)(is_half && code > 63 && ((up ^ parity) & 1) != 0);
}
