// Weighted sum of two rows, one thread a cell. A constant right operand has a pitch of 0. The zero points count from the
// smallest value of the cells' type.

extern "C" __global__ void add(const u8* left, u32 left_pitch, u32 left_flip, int left_zero, int left_multiplier,
                               const u8* right, u32 right_pitch, u32 right_flip, int right_zero, int right_multiplier,
                               u32 shift, u8* y, u32 y_pitch, u32 rows, u32 columns, int output_zero, int low,
                               int high) {
    u32 cell = blockIdx.x * blockDim.x + threadIdx.x, row = cell / columns, column = cell % columns;
    if (row >= rows) return;
    int a = (int)(left[(u64)row * left_pitch + column] ^ left_flip) - left_zero;
    int b = (int)(right[(u64)row * right_pitch + column] ^ right_flip) - right_zero;
    // Differences are below 2^8 and multipliers below 2^31.
    long long sum = (long long)a * left_multiplier + (long long)b * right_multiplier;
    y[(u64)row * y_pitch + column] = settle(round_shift(sum, shift), output_zero, low, high);
}
