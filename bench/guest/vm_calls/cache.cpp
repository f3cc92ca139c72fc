// A page put into the cache, mapped from there, read, forgotten, and unmapped.
#include "abi/vm_call_stubs.hpp"
#include "bench/guest/vm_calls/actor.hpp"
#include "bench/guest/vm_calls/rows.hpp"

namespace shoal::bench {

void cache_round(unsigned actor) {
    char* page = resident(kPage);
    const uint64_t device = 1 + actor;
    const VirtualAddress address{reinterpret_cast<uint64_t>(page)};
    for (uint64_t i = 0; i < kSinglePages; ++i) {
        const uint64_t offset = i * kPage;
        require(vm_calls::setcachepage(address, device, offset, 0, 0, 1), "not set");
        const auto there = vm_calls::mapcachepage(device, offset, 0, 0, 1);
        require(there, "not mapped");
        auto* start = reinterpret_cast<volatile char*>(there.value().raw());
        if (*start != 1) abort();
        require(vm_calls::forgetcachepage(device, offset, 1), "not forgotten");
        if (munmap(const_cast<char*>(start), kPage) != 0) abort();
    }
}

}  // namespace shoal::bench
