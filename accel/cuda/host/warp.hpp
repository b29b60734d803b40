// What the threads of a warp do together, and copies that arrive later, on a CPU.

namespace fibres {

// What the 32 threads of a warp hand to one another when they meet.
//
// A thread that meets the others for the n-th time writes where it has written two meetings before. All others have read
// that: they could only come to meeting n - 1 afterwards, and this thread has left it.
struct Meeting {
    alignas(16) char values[2][WARP * 32];
};
static std::vector<Meeting> meetings;

// Waits for the other threads of the warp; then gives the values of all, by lane. They hold until the next call but one.
template <typename T>
static const T* meet(const T& mine) {
    static_assert(sizeof(T) <= 32, "a value has 32 bytes");
    static const T none[WARP] = {};
    if (!running) {
        diverged = true;
        return none;
    }
    unsigned thread = threadIdx.x, warp = thread / WARP;
    if (meetings.size() <= warp) meetings.resize(warp + 1);
    unsigned parity = running->meetings++ & 1;
    memcpy(meetings[warp].values[parity] + thread % WARP * sizeof(T), &mine, sizeof(T));
    wait(AT_WARP);
    return (const T*)meetings[warp].values[parity];
}

// Copies are made as late as the kernel allows: when it waits for them. What it reads before is what was there.
static void start_copy(void* to, const void* from, unsigned bytes, unsigned size) {
    if (running)
        running->open.push_back({to, from, bytes, size});
    else
        diverged = true;
}

static void close_group() {
    if (!running) return;
    running->groups.push_back(std::move(running->open));
    running->open.clear();
}

// All groups but the last `left` are done.
static void finish_groups(size_t left) {
    if (!running) return;
    auto& groups = running->groups;
    while (groups.size() > left) {
        for (const Copy& copy : groups.front()) {
            memcpy(copy.to, copy.from, copy.bytes);
            memset((char*)copy.to + copy.bytes, 0, copy.size - copy.bytes);
        }
        groups.erase(groups.begin());
    }
}

}  // namespace fibres
