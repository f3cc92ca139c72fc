// mmap in all its kinds, munmap, brk, mprotect, madvise.
#include "tests/model/failure/scenario.hpp"

namespace shoal::model {

namespace mapping_calls {
namespace {

constexpr uint64_t kPages = 40, kLarge = 5 * kPagesPerLeaf;
constexpr uint64_t kVeryLarge = 12 * kPagesPerLeaf;  // a range operation of several steps

void nothing(World&) {}
void some_pages(World& w) { w.at = w.map_filled(kPages); }
void a_large_map(World& w) {
    w.at = w.map(kVeryLarge, World::kPrivate, World::kPlace);
    for (uint64_t i = 0; i < kVeryLarge; i += kPagesPerLeaf) w.fill(w.caller, w.at + i * kPageSize, 3);
}
void a_map_used_by_both(World& w) {
    some_pages(w);
    for (uint64_t i = 0; i < kPages; ++i) (void)w.vm.read(kCpu1, w.caller, w.at + i * kPageSize);
}
void a_region_over_leaves(World& w) {
    w.at = w.map(kLarge, World::kPrivate, World::kPlace);
    w.fill(w.caller, w.at + (kPagesPerLeaf + 100) * kPageSize, kPages);
}
void a_detached_leaf(World& w) {
    a_region_over_leaves(w);
    (void)w.vm.munmap(kCpu0, w.caller, w.at + (kPagesPerLeaf + 7) * kPageSize, kPageSize);
}

void some_shared_pages(World& w) {
    w.at = w.map_filled(kPages, World::kShared);
    for (uint64_t i = 0; i < kPages; ++i) (void)w.vm.read(kCpu1, w.caller, w.at + i * kPageSize);
}
void a_copied_map(World& w) {
    a_map_used_by_both(w);
    (void)w.call(VmCall::Fork, {{0, w.caller.raw(), w.other.raw()}});
}
void a_mapped_file(World& w) {
    w.serve_files();
    (void)w.call(VmCall::MmapFile, {{0, 0, kPages * kPageSize, World::kReadWrite, kMapPrivate, 7, 0}});
    w.at = VirtualAddress{w.answer.words[1]};
    w.fill(w.caller, w.at + 12 * kPageSize, 2);
    (void)w.read(w.at);
}

Error map(World& w, uint64_t pages, uint64_t flags, VirtualAddress place = {}) {
    return w.call(VmCall::Mmap, {{0, place.raw(), pages * kPageSize, World::kReadWrite, flags}});
}
Error unmap(World& w, uint64_t first, uint64_t pages) {
    w.forget(w.at + first * kPageSize, pages);
    return w.call(VmCall::Munmap, {{0, (w.at + first * kPageSize).raw(), pages * kPageSize}});
}
Error protect(World& w, uint64_t first, uint64_t pages) {
    return w.call(VmCall::Mprotect, {{0, (w.at + first * kPageSize).raw(), pages * kPageSize, kProtectRead}});
}
Error discard(World& w, uint64_t first, uint64_t pages) {
    w.forget(w.at + first * kPageSize, pages);
    return w.call(VmCall::Madvise, {{0, (w.at + first * kPageSize).raw(), pages * kPageSize, kAdviseDontNeed}});
}
Error move_break(World& w, uint64_t pages) { return w.call(VmCall::Brk, {{0, (VirtualAddress{0x60'0000} + pages * kPageSize).raw()}}); }

void a_heap(World& w) {
    w.begin_heap();
    (void)move_break(w, 600);
    w.fill(w.caller, VirtualAddress{0x60'0000}, 10);
    w.fill(w.caller, VirtualAddress{0x60'0000} + 590 * kPageSize, 10);
}

Scenarios maps() {
    const auto call = VmCall::Mmap;
    return {
        {"mmap", call, nothing, [](World& w) { return map(w, kPages, World::kPrivate); }},
        {"mmap in a large process", call, a_detached_leaf, [](World& w) { return map(w, kPages, World::kPrivate); }},
        {"mmap over segments", call, nothing, [](World& w) { return map(w, uint64_t{1} << 29, World::kPrivate); }},
        {"mmap shared", call, nothing, [](World& w) { return map(w, kPages, World::kShared); }},
        {"mmap contiguous", call, nothing, [](World& w) { return map(w, kPages, World::kContiguous); }},
        {"mmap contiguous, over leaves", call, nothing, [](World& w) { return map(w, kPagesPerLeaf + kPages, World::kContiguous); }},
        {"mmap of a stack", call, nothing, [](World& w) { return map(w, kPages, World::kPrivate | kMapGrowsDown); }},
        {"mmap populate", call, nothing, [](World& w) { return map(w, kPages, World::kPrivate | kMapPopulate); }, Leaves::PagesPresent},
        {"mmap fixed, where nothing is", call, nothing, [](World& w) { return map(w, kPages, World::kPrivate | kMapFixed, World::kPlace); }},
        {"mmap fixed, over pages", call, some_pages,
         [](World& w) {
             w.forget(w.at + 4 * kPageSize, 8);
             return map(w, 8, World::kPrivate | kMapFixed, w.at + 4 * kPageSize);
         }},
        {"mmap fixed, over pages of two CPUs", call, a_map_used_by_both,
         [](World& w) {
             w.forget(w.at + 4 * kPageSize, 8);
             return map(w, 8, World::kPrivate | kMapFixed, w.at + 4 * kPageSize);
         }},
        {"mmap fixed and shared, over pages", call, some_pages,
         [](World& w) {
             w.forget(w.at + 4 * kPageSize, 8);
             return map(w, 8, World::kShared | kMapFixed, w.at + 4 * kPageSize);
         }},
        {"mmap fixed, over much", call, a_large_map,
         [](World& w) {
             w.forget(w.at, kVeryLarge);
             return map(w, kVeryLarge, World::kPrivate | kMapFixed, w.at);
         }},
        {"mmap fixed, no replacing", call, nothing,
         [](World& w) { return map(w, kPages, World::kPrivate | kMapFixed | kMapFixedNoReplace, World::kPlace); }},
    };
}

Scenarios changes() {
    return {
        {"munmap", VmCall::Munmap, some_pages, [](World& w) { return unmap(w, 0, kPages); }, Leaves::AllAsItWas, Fails::WithoutStocks},
        {"munmap of the middle", VmCall::Munmap, some_pages, [](World& w) { return unmap(w, 8, 8); }},
        {"munmap of the middle, two CPUs", VmCall::Munmap, a_map_used_by_both, [](World& w) { return unmap(w, 8, 8); }},
        {"munmap in one leaf of many", VmCall::Munmap, a_region_over_leaves, [](World& w) { return unmap(w, kPagesPerLeaf + 110, 8); }},
        {"munmap in a detached leaf", VmCall::Munmap, a_detached_leaf, [](World& w) { return unmap(w, kPagesPerLeaf + 110, 8); }},
        {"munmap over leaves", VmCall::Munmap, a_detached_leaf, [](World& w) { return unmap(w, 7, 2 * kPagesPerLeaf); }},
        {"munmap of much", VmCall::Munmap, a_large_map, [](World& w) { return unmap(w, 1, kVeryLarge - 2); }},
        {"munmap of all of much", VmCall::Munmap, a_large_map, [](World& w) { return unmap(w, 0, kVeryLarge); }, Leaves::AllAsItWas, Fails::WithoutStocks},
        {"munmap of an end", VmCall::Munmap, a_map_used_by_both, [](World& w) { return unmap(w, kPages - 8, 8); }, Leaves::AllAsItWas, Fails::WithoutStocks},
        {"munmap of the middle of shared memory", VmCall::Munmap, some_shared_pages, [](World& w) { return unmap(w, 8, 8); }},
        {"munmap of the middle of a copy", VmCall::Munmap, a_copied_map, [](World& w) { return unmap(w, 8, 8); }},
        {"munmap of the middle of a file", VmCall::Munmap, a_mapped_file, [](World& w) { return unmap(w, 8, 8); }},
        {"munmap of a file", VmCall::Munmap, a_mapped_file, [](World& w) { return unmap(w, 0, kPages); }, Leaves::AllAsItWas, Fails::WithoutStocks},
        {"mprotect of the middle of shared memory", VmCall::Mprotect, some_shared_pages, [](World& w) { return protect(w, 8, 8); }},
        {"mprotect of the middle of a copy", VmCall::Mprotect, a_copied_map, [](World& w) { return protect(w, 8, 8); }},
        {"mprotect of the middle of a file", VmCall::Mprotect, a_mapped_file, [](World& w) { return protect(w, 8, 8); }},
        {"madvise of a copy", VmCall::Madvise, a_copied_map, [](World& w) { return discard(w, 8, 8); }, Leaves::AllAsItWas, Fails::WithoutStocks},
        {"mprotect", VmCall::Mprotect, a_map_used_by_both, [](World& w) { return protect(w, 0, kPages); }, Leaves::AllAsItWas, Fails::WithoutStocks},
        {"mprotect of the middle", VmCall::Mprotect, some_pages, [](World& w) { return protect(w, 8, 8); }},
        {"mprotect of the middle, two CPUs", VmCall::Mprotect, a_map_used_by_both, [](World& w) { return protect(w, 8, 8); }},
        {"mprotect in one leaf of many", VmCall::Mprotect, a_region_over_leaves, [](World& w) { return protect(w, kPagesPerLeaf + 110, 8); }},
        {"mprotect over leaves", VmCall::Mprotect, a_region_over_leaves, [](World& w) { return protect(w, 7, 2 * kPagesPerLeaf); }},
        {"mprotect of much", VmCall::Mprotect, a_large_map, [](World& w) { return protect(w, 1, kVeryLarge - 2); }},
        {"madvise", VmCall::Madvise, some_pages, [](World& w) { return discard(w, 8, 8); }, Leaves::AllAsItWas, Fails::WithoutStocks},
        {"madvise, two CPUs", VmCall::Madvise, a_map_used_by_both, [](World& w) { return discard(w, 8, 8); }, Leaves::AllAsItWas, Fails::WithoutStocks},
        {"madvise of much", VmCall::Madvise, a_large_map, [](World& w) { return discard(w, 1, kVeryLarge - 2); }, Leaves::AllAsItWas, Fails::WithoutStocks},
        {"brk, first", VmCall::Brk, [](World& w) { w.begin_heap(); }, [](World& w) { return move_break(w, 10); }},
        {"brk, asking", VmCall::Brk, a_heap, [](World& w) { return w.call(VmCall::Brk, {}); }, Leaves::AllAsItWas, Fails::Never},
        {"brk, up", VmCall::Brk, a_heap, [](World& w) { return move_break(w, 900); }},
        {"brk, down", VmCall::Brk, a_heap,
         [](World& w) {
             w.forget(VirtualAddress{0x60'0000} + 20 * kPageSize, 580);
             return move_break(w, 20);
         }, Leaves::AllAsItWas, Fails::WithoutStocks},
    };
}

}  // namespace
}  // namespace mapping_calls

Scenarios mapping_scenarios() {
    using namespace mapping_calls;
    Scenarios all = maps();
    for (const Scenario& scenario : changes()) all.push_back(scenario);
    return all;
}

}  // namespace shoal::model
