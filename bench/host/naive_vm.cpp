#include "bench/host/naive_vm.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace shoal::vm::bench {

NaiveVm::~NaiveVm() {
    for (const auto& [number, frame] : pages_) std::free(frame);
}

uint64_t NaiveVm::frames_in_use() {
    std::lock_guard guard(lock_);
    return pages_.size();
}

VirtualAddress NaiveVm::map(uint64_t pages) {
    std::lock_guard guard(lock_);
    const VirtualAddress start = next_;
    next_ = next_ + PageCount{pages}.bytes();
    mappings_[start.raw()] = next_.raw();
    return start;
}

void NaiveVm::unmap(VirtualAddress start, uint64_t pages) {
    std::lock_guard guard(lock_);
    mappings_.erase(start.raw());
    free_pages(start, pages);
}

void NaiveVm::discard(VirtualAddress start, uint64_t pages) {
    std::lock_guard guard(lock_);
    free_pages(start, pages);
}

void NaiveVm::free_pages(VirtualAddress start, uint64_t pages) {
    const uint64_t first = start.raw() >> kPageShift;
    const auto from = pages_.lower_bound(first), to = pages_.lower_bound(first + pages);
    for (auto at = from; at != to; ++at) std::free(at->second);
    pages_.erase(from, to);
}

void NaiveVm::fault(VirtualAddress address) {
    std::lock_guard guard(lock_);
    const auto mapping = mappings_.upper_bound(address.raw());
    if (mapping == mappings_.begin() || std::prev(mapping)->second <= address.raw()) {
        std::fprintf(stderr, "the naive VM: a fault outside of every mapping\n");
        std::abort();
    }
    void*& frame = pages_[address.raw() >> kPageShift];
    if (frame != nullptr) return;
    frame = std::malloc(kPageSize);
    std::memset(frame, 0, kPageSize);
}

}  // namespace shoal::vm::bench
