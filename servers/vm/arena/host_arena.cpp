#include "servers/vm/arena/host_arena.hpp"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "servers/vm/arena/window.hpp"

namespace shoal::vm {
namespace {

void* map_fixed(void* address, uint64_t bytes) {
    void* memory = mmap(address, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (memory != address) {
        std::perror("HostArena: cannot map the window (is another arena alive?)");
        std::abort();
    }
    return memory;
}

// What holes leave of [0, frames); frame numbers from the arena's first.
std::vector<FrameRange> without(uint64_t frames, const std::vector<FrameRange>& holes,
                                FrameNumber origin) {
    std::vector<FrameRange> rest;
    uint64_t at = 0;
    for (const FrameRange& hole : holes) {
        if (hole.first.raw() > at) rest.push_back({origin + at, hole.first.raw() - at});
        at = hole.end().raw();
    }
    if (at < frames) rest.push_back({origin + at, frames - at});
    return rest;
}

}  // namespace

HostArena::HostArena(const Options& options)
    : bytes_(options.bytes),
      memory_(without(options.bytes >> kPageShift, options.holes, kFirstFrame)) {
    map_fixed(window_pointer(kFirstFrame), bytes_);
    for (const FrameRange& hole : options.holes) {
        mprotect(window_pointer(kFirstFrame + hole.first.raw()), PageCount{hole.count}.bytes(),
                 PROT_NONE);
    }
    std::vector<FrameRange> kept = options.kept;
    for (FrameRange& range : kept) range.first = kFirstFrame + range.first.raw();
    const ArenaPlan plan{memory_.data(), static_cast<uint32_t>(memory_.size()),
                         kept.data(),    static_cast<uint32_t>(kept.size()),
                         options.cpus,   options.process_slots};
    auto formatted = Arena::format(plan, options.permanent_extra);
    if (!formatted) {
        std::fprintf(stderr, "HostArena: %s\n", error_text(formatted.error()));
        std::abort();
    }
    header_ = formatted->header;
    extra_ = formatted->extra;
}

HostArena::~HostArena() {
    munmap(window_pointer(kFirstFrame), bytes_);
}

void HostArena::move_to_copy() {
    std::vector<std::vector<unsigned char>> copies;
    for (const FrameRange& range : memory_) {
        const auto* start = window_pointer<const unsigned char>(range.first);
        copies.emplace_back(start, start + PageCount{range.count}.bytes());
    }
    munmap(window_pointer(kFirstFrame), bytes_);
    map_fixed(window_pointer(kFirstFrame), bytes_);
    for (size_t i = 0; i < memory_.size(); ++i) {
        std::memcpy(window_pointer(memory_[i].first), copies[i].data(), copies[i].size());
    }
    header_ = Arena::attach(memory_.data(), static_cast<uint32_t>(memory_.size())).release();
}

uint64_t HostArena::frames_in_use() const {
    int64_t sum = 0;
    for (uint32_t cpu = 0; cpu < header_->cpus; ++cpu) sum += header_->workers[cpu].frames.in_use();
    return static_cast<uint64_t>(sum);
}

}  // namespace shoal::vm
