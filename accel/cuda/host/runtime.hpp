// CUDA's execution model on a CPU, for tests: enough of it for kernels that use shared memory, barriers, operations of a
// whole warp and asynchronous copies.
//
// A block's threads run one after another until they reach a barrier, meet the others of their warp, or end; blocks run one
// after another, so `static` storage is what `__shared__` means. Deterministic, one CPU thread. Threads of a warp run
// together only where they meet (warp.hpp). The order of the threads changes from phase to phase and from block to block, so
// that a kernel that lacks a barrier gives another result than it should; blocks run from the last to the first in every
// other launch.
//
// The first thread of a block runs as a fibre. Where it ends without having waited for others, the others are run as plain
// calls, and one of them that waits is an error; otherwise all of them become fibres.

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <ucontext.h>
#include <utility>
#include <vector>

struct Dim {
    unsigned x, y, z;
};
static Dim threadIdx, blockIdx, blockDim, gridDim;

#define __global__
#define __device__
#define __forceinline__ inline
#define __noinline__
#define __shared__ static
#define __constant__ static const
#define __launch_bounds__(...)

static unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}

static int __dp4a(int a, int b, int c) {
    unsigned sum = (unsigned)c;
    for (int i = 0; i < 4; i++) sum += (unsigned)((signed char)(a >> 8 * i) * (signed char)(b >> 8 * i));
    return (int)sum;
}

struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
static uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
static int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }

static int __clz(int x) { return x == 0 ? 32 : __builtin_clz((unsigned)x); }
static int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll((unsigned long long)x); }
static unsigned __brev(unsigned x) {
    unsigned y = 0;
    for (int i = 0; i < 32; i++) y |= (x >> i & 1) << (31 - i);
    return y;
}

static unsigned long long atomicMin(unsigned long long* to, unsigned long long value) {
    unsigned long long old = *to;
    if (value < old) *to = value;
    return old;
}
static unsigned atomicOr(unsigned* to, unsigned value) {
    unsigned old = *to;
    *to = old | value;
    return old;
}

namespace fibres {

// An asynchronous copy within a group of them (warp.hpp).
struct Copy {
    void* to;
    const void* from;
    unsigned bytes, size;
};

enum State { RUNS, AT_BARRIER, AT_WARP, DONE };

struct Fibre {
    ucontext_t first;
    jmp_buf resume;
    std::unique_ptr<char[]> stack;
    bool begun;
    State state;
    unsigned meetings;                      // of its warp, so far
    std::vector<Copy> open;                 // copies that no group holds yet
    std::vector<std::vector<Copy>> groups;  // that have not been waited for, the oldest first
};
static const size_t STACK = 256 << 10;
static const unsigned WARP = 32;
static std::vector<Fibre> all;
static jmp_buf scheduler;
static Fibre* running;  // null while threads are run as plain calls
static bool has_waited, diverged;
static unsigned shuffle;  // counts phases: what lies between two waits
static void (*body)(const void*);
static const void* arguments;

static void fibre_main() {
    body(arguments);
    running->state = DONE;
    _longjmp(scheduler, 1);
}

// Runs a fibre until it waits or ends. Contexts are only used to begin: switching them is a system call.
static void resume(Fibre& fibre) {
    running = &fibre;
    if (_setjmp(scheduler)) return;
    if (fibre.begun) _longjmp(fibre.resume, 1);
    fibre.begun = true;
    setcontext(&fibre.first);
}

static void prepare(Fibre& fibre) {
    if (!fibre.stack) fibre.stack.reset(new char[STACK]);
    fibre.begun = false;
    fibre.state = RUNS;
    fibre.meetings = 0;
    fibre.open.clear();
    fibre.groups.clear();
    getcontext(&fibre.first);
    fibre.first.uc_stack.ss_sp = fibre.stack.get();
    fibre.first.uc_stack.ss_size = STACK;
    fibre.first.uc_link = nullptr;
    makecontext(&fibre.first, fibre_main, 0);
}

// Waits with what the state says for the others.
static void wait(State state) {
    if (!running) {
        diverged = true;
        return;
    }
    has_waited = true;
    Fibre* self = running;
    self->state = state;
    if (!_setjmp(self->resume)) _longjmp(scheduler, 1);
}

// The i-th thread to run in this phase.
static unsigned turn(unsigned i, unsigned threads) {
    unsigned rotated = (i + shuffle * 37) % threads;
    return shuffle & 1 ? threads - 1 - rotated : rotated;
}

// Lets the threads of first..end go on if all of them wait in this way.
static bool release(unsigned first, unsigned end, State state) {
    for (unsigned i = first; i < end; i++)
        if (all[i].state != state) return false;
    for (unsigned i = first; i < end; i++) all[i].state = RUNS;
    return true;
}

static bool run_block(unsigned threads) {
    if (all.size() < threads) all.resize(threads);
    has_waited = diverged = false;
    shuffle++;
    unsigned first = turn(0, threads);
    threadIdx = {first, 0, 0};
    prepare(all[first]);
    resume(all[first]);
    if (!has_waited) {
        running = nullptr;
        for (unsigned i = 1; i < threads && !diverged; i++) {
            threadIdx = {turn(i, threads), 0, 0};
            body(arguments);
        }
        return !diverged;
    }
    for (unsigned i = 0; i < threads; i++)
        if (i != first) prepare(all[i]);
    for (;;) {
        for (unsigned i = 0; i < threads; i++) {
            unsigned thread = turn(i, threads);
            threadIdx = {thread, 0, 0};
            if (all[thread].state == RUNS) resume(all[thread]);
        }
        shuffle++;
        bool goes_on = false;
        for (unsigned warp = 0; warp < threads; warp += WARP)
            goes_on |= warp + WARP <= threads && release(warp, warp + WARP, AT_WARP);
        goes_on = goes_on || release(0, threads, AT_BARRIER);
        if (!goes_on) {
            for (unsigned i = 0; i < threads; i++)
                if (all[i].state != DONE) return false;
            return true;
        }
    }
}

static bool run_grid(Dim grid, unsigned threads) {
    static bool backwards;
    backwards = !backwards;
    gridDim = grid;
    blockDim = {threads, 1, 1};
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x; x++) {
                if (backwards)
                    blockIdx = {grid.x - 1 - x, grid.y - 1 - y, grid.z - 1 - z};
                else
                    blockIdx = {x, y, z};
                if (!run_block(threads)) return false;
            }
    return true;
}

}  // namespace fibres

static void __syncthreads() { fibres::wait(fibres::AT_BARRIER); }
