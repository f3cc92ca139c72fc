#include "base/address.hpp"
#include "tests/guest/exhaust/crowd.hpp"

#include <sys/mman.h>

#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/exhaust/resources.hpp"

namespace shoal::test {

Result<Endpoint> start_child(const char* what, uint64_t cpu, uint64_t quota_pages) {
    const char* const arguments[] = {"exhaust", what};
    SpawnOptions options;
    options.name = "exhaust";
    options.arguments = arguments;
    options.cpu = cpu;
    options.quota_pages = quota_pages;
    return spawn(options);
}

Crowd::Crowd(unsigned wanted, const char* what, uint64_t quota_pages) {
    const unsigned cpus = kernel_facts().cpus;
    for (; size_ < wanted && size_ < kMost; ++size_) {
        const Result<Endpoint> child = start_child(what, size_ % cpus, quota_pages);
        if (!child.ok()) return;
        members_[size_] = child.value();
    }
}

void Crowd::end() {
    for (unsigned i = 0; i < size_; ++i) (void)kill_child(members_[i]);
    wait([](int64_t) {});
}

Load::Load() : Crowd(kernel_facts().cpus, "load") {}

int be_a_load() {
    constexpr size_t kBytes = size_t{64} << 12;
    for (;;) {
        void* piece = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED) return 1;
        for (size_t at = 0; at < kBytes; at += kPageSize) static_cast<volatile char*>(piece)[at] = 1;
        if (munmap(piece, kBytes) != 0) return 1;
    }
}

}  // namespace shoal::test
