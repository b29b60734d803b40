// The dimensions of a row in another order, one thread a cell: `order` says for each output cell which input cell it is.

extern "C" __global__ void transpose(const u8* x, u32 x_pitch, const u32* order, u8* y, u32 y_pitch, u32 rows,
                                     u32 columns) {
    u32 cell = blockIdx.x * blockDim.x + threadIdx.x, row = cell / columns, column = cell % columns;
    if (row >= rows) return;
    y[(u64)row * y_pitch + column] = x[(u64)row * x_pitch + order[column]];
}
