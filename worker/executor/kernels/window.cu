// Windows over planes, for convolutions and pools: see jobs/program/src/window.rs.

// As the host writes it; pairs are vertical, then horizontal.
struct Window {
    u32 channels;
    u32 input[2], output[2];
    u32 kernel[2], strides[2], dilations[2];
    u32 before[2];  // pads: top, left
};

// Where the window at `position` of dimension d begins; may be negative. All numbers are below 2^22.
__device__ __forceinline__ int window_start(const Window& w, int d, u32 position) {
    return (int)(position * w.strides[d]) - (int)w.before[d];
}

// The kernel indices first..end of dimension d whose cells lie inside the plane, for a window that begins at `start`.
__device__ __forceinline__ void real_cells(const Window& w, int d, int start, int* first, int* end) {
    int dilation = (int)w.dilations[d], left = (int)w.input[d] - start;
    *first = start < 0 ? (-start + dilation - 1) / dilation : 0;
    int fits = left > 0 ? (left + dilation - 1) / dilation : 0;
    *end = fits < (int)w.kernel[d] ? fits : (int)w.kernel[d];
}
