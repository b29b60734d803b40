// CUDA's execution model on a CPU, for tests: enough of it for the kernels of this crate.
//
// A block's threads are fibres (ucontext) that run one after another until they reach __syncthreads or end; blocks run
// one after another, so `static` storage is what `__shared__` means. Deterministic, one CPU thread.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <sys/mman.h>
#include <ucontext.h>
#include <utility>
#include <vector>

struct Dim {
    unsigned x, y;
};
static Dim threadIdx, blockIdx, blockDim, gridDim;

#define __global__
#define __device__ static inline
#define __shared__ static
#define __constant__ static const

static unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}

static int __dp4a(int a, int b, int c) {
    unsigned sum = (unsigned)c;
    for (int i = 0; i < 4; i++) sum += (unsigned)((signed char)(a >> 8 * i) * (signed char)(b >> 8 * i));
    return (int)sum;
}

struct Fibre {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    bool done = false;
};
static const size_t STACK = 64 << 10;
static const size_t PAGE = 4096;
static ucontext_t scheduler;
static Fibre* running;
static const std::function<void()>* body;

static void __syncthreads() { swapcontext(&running->context, &scheduler); }

static void fibre_main() {
    (*body)();
    running->done = true;
}

static void run_block(unsigned threads, const std::function<void()>& kernel) {
    static std::vector<Fibre> fibres;
    fibres.resize(threads);
    body = &kernel;
    for (Fibre& fibre : fibres) {
        if (!fibre.stack) fibre.stack.reset(new char[STACK]);
        fibre.done = false;
        getcontext(&fibre.context);
        fibre.context.uc_stack.ss_sp = fibre.stack.get();
        fibre.context.uc_stack.ss_size = STACK;
        fibre.context.uc_link = &scheduler;
        makecontext(&fibre.context, fibre_main, 0);
    }
    for (unsigned done = 0; done < threads;) {
        done = 0;
        for (unsigned i = 0; i < threads; i++) {
            running = &fibres[i];
            threadIdx = {i, 0};
            if (!running->done) swapcontext(&scheduler, &running->context);
            done += running->done;
        }
        if (done != 0 && done != threads) {
            fprintf(stderr, "%u of %u threads of a block ended while others wait at a barrier\n", done, threads);
            abort();
        }
    }
}

static void run_grid(Dim grid, unsigned threads, const std::function<void()>& kernel) {
    gridDim = grid;
    blockDim = {threads, 1};
    for (unsigned y = 0; y < grid.y; y++)
        for (unsigned x = 0; x < grid.x; x++) {
            blockIdx = {x, y};
            run_block(threads, kernel);
        }
}
