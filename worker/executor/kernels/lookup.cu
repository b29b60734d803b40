// A function of one cell, as a table of 256 bytes from that of the smallest cell on; one thread a cell.

extern "C" __global__ void lookup(const u8* x, u32 x_pitch, u32 x_flip, const u8* table, u8* y, u32 y_pitch, u32 rows,
                                  u32 columns) {
    u32 cell = blockIdx.x * blockDim.x + threadIdx.x, row = cell / columns, column = cell % columns;
    if (row >= rows) return;
    y[(u64)row * y_pitch + column] = table[x[(u64)row * x_pitch + column] ^ x_flip];
}
