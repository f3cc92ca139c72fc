// Resident pages of shared memory mapped once more, touched there, and unmapped.
#include "abi/vm_call_stubs.hpp"
#include "bench/guest/vm_calls/actor.hpp"
#include "bench/guest/vm_calls/rows.hpp"
#include "libc-min/system/kernel_facts.hpp"

namespace shoal::bench {
namespace {

constexpr size_t kBytesRemapped = 64 * kPage;

char* shared() {
    static char* memory = nullptr;
    if (memory == nullptr) {
        void* mapped = mmap(nullptr, kBytesRemapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED) abort();
        memory = static_cast<char*>(mapped);
        touch(memory, kBytesRemapped);
    }
    return memory;
}

}  // namespace

void remap_round(unsigned) {
    const VirtualAddress memory{reinterpret_cast<uint64_t>(shared())};
    const ProcessId self = kernel_facts().process;
    for (uint64_t i = 0; i < kRemaps; ++i) {
        const auto there = vm_calls::remap(self, self, VirtualAddress{0}, memory, kBytesRemapped);
        require(there, "no remap");
        auto* start = reinterpret_cast<char*>(there.value().raw());
        touch(start, kBytesRemapped);
        if (munmap(start, kBytesRemapped) != 0) abort();
    }
}

}  // namespace shoal::bench
