// Operations of a whole warp: products of 8-bit integers and copies into shared memory that arrive later, that is, tensor cores
// and what feeds them; and exchanges of field elements between the 16 lanes of each half. Each has a form for cards and, for the tests on a CPU, a plain one that follows the register layouts of the PTX manual.
//
// Lane l of a warp has the group g = l / 4 and the place t = l % 4 in it. All lanes must call together.

namespace warp {

// A thread's part of the matrices of one product of 16 x 32 and 32 x 8 cells:
//   a[r]: row g + 8 (r % 2),  cells 4 t .. + 3 of half r / 2 of the inner dimension (16 cells each)
//   b[h]: column g,           cells 4 t .. + 3 of half h
//   c[r]: row g + 8 (r / 2),  column 2 t + r % 2
// The first cell of a word is its lowest byte.
typedef u32 Left[4];
typedef u32 Right[2];
typedef int Sums[4];

#ifdef __CUDA_ARCH__

__device__ __forceinline__ u32 shared_address(const void* place) { return (u32)__cvta_generic_to_shared(place); }

// Four matrices of 8 rows of 16 bytes from shared memory: lane l names row l % 8 of matrix l / 8, aligned to 16 bytes. Word m is
// of matrix m: bytes 4 t .. + 3 of row g.
__device__ __forceinline__ void load_matrices(u32 (&to)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared_address(row))
                 : "memory");
}

// c += a * b, signed cells, modulo 2^32.
__device__ __forceinline__ void multiply(Sums& c, const Left& a, const Right& b) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#elif __CUDA_ARCH__ >= 750
    // The smaller instruction's layout is that of a quarter of the larger one's.
#pragma unroll
    for (int r = 0; r < 4; r++) {
        asm("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%0, %1};"
            : "+r"(c[2 * (r % 2)]), "+r"(c[2 * (r % 2) + 1])
            : "r"(a[r]), "r"(b[r / 2]));
    }
#else
    __trap();  // no tensor cores for integers: the host does not launch kernels that come here
#endif
}

// The sum over all lanes, in every lane.
__device__ __forceinline__ int sum(int value) {
#pragma unroll
    for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffff, value, distance);
    return value;
}

// What the first COUNT lanes of the thread's half of the warp hold, in a circle that begins with lane `from` of them.
template <int COUNT>
__device__ __forceinline__ void circle(u64 (&to)[COUNT], u64 value, u32 from) {
#pragma unroll
    for (u32 i = 0; i < COUNT; i++) {
        u32 lane = from + i;
        to[i] = __shfl_sync(0xffffffff, value, (int)(lane < COUNT ? lane : lane - COUNT), 16);
    }
}

// The sum of field elements over the thread's half of the warp, in every lane of it.
__device__ __forceinline__ u64 half_sum(u64 value) {
#pragma unroll
    for (int distance = 8; distance > 0; distance /= 2)
        value = gl::add(value, __shfl_xor_sync(0xffffffff, value, distance));
    return value;
}

// Starts a copy of 16 bytes to shared memory: of `from` where `bytes` is 16, of zeros where it is 0. Both places are aligned to
// 16 bytes; for zeros nothing is read.
__device__ __forceinline__ void start_copy(uint4* to, const void* from, u32 bytes) {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(bytes)
                 : "memory");
#else
    *to = bytes == 16 ? *(const uint4*)from : make_uint4(0, 0, 0, 0);
#endif
}

// Makes a group of the thread's copies since the last one.
__device__ __forceinline__ void close_group() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits until all of the thread's groups but the last LEFT have arrived. Other threads see them behind a barrier.
template <int LEFT>
__device__ __forceinline__ void finish_groups() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
#endif
}

#else

static void load_matrices(u32 (&to)[4], const void* row) {
    u32 lane = threadIdx.x % 32;
    const void* const* rows = fibres::meet(row);
    for (u32 m = 0; m < 4; m++) to[m] = *(const u32*)((const u8*)rows[8 * m + lane / 4] + 4 * (lane % 4));
}

static void multiply(Sums& c, const Left& a, const Right& b) {
    struct Part {
        u32 a[4], b[2];
    };
    u32 lane = threadIdx.x % 32;
    const Part* parts = fibres::meet(Part{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}});
    for (u32 r = 0; r < 4; r++) {
        u32 row = lane / 4 + 8 * (r / 2), column = 2 * (lane % 4) + r % 2;
        for (u32 k = 0; k < 32; k += 4) {
            // Cells k .. k + 3 are the word of lane (row or column) % 8, place k / 4 % 4, half k / 16.
            u32 left = parts[row % 8 * 4 + k / 4 % 4].a[row / 8 + 2 * (k / 16)];
            u32 right = parts[column * 4 + k / 4 % 4].b[k / 16];
            c[r] = __dp4a((int)left, (int)right, c[r]);
        }
    }
}

static int sum(int value) {
    const int* values = fibres::meet(value);
    u32 total = 0;
    for (u32 lane = 0; lane < 32; lane++) total += (u32)values[lane];
    return (int)total;
}

template <int COUNT>
static void circle(u64 (&to)[COUNT], u64 value, u32 from) {
    const u64* values = fibres::meet(value) + threadIdx.x % 32 / 16 * 16;
    for (u32 i = 0; i < COUNT; i++) to[i] = values[(from + i) % COUNT];
}

static u64 half_sum(u64 value) {
    const u64* values = fibres::meet(value) + threadIdx.x % 32 / 16 * 16;
    u64 total = 0;
    for (u32 lane = 0; lane < 16; lane++) total = gl::add(total, values[lane]);
    return total;
}

static void start_copy(uint4* to, const void* from, u32 bytes) { fibres::start_copy(to, from, bytes, 16); }
static void close_group() { fibres::close_group(); }
template <int LEFT>
static void finish_groups() {
    fibres::finish_groups(LEFT);
}

#endif

}  // namespace warp
