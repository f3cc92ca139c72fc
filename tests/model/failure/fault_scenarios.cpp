// Page faults, and the kernel's requests for memory.
#include "tests/model/failure/scenario.hpp"

namespace shoal::model {

namespace faults {
namespace {

constexpr uint64_t kPages = 20, kFile = 7;

void a_map(World& w) { w.at = w.map(kPages); }
void a_touched_map(World& w) { w.at = w.map_filled(kPages); }
void a_shared_map(World& w) { w.at = w.map(kPages, World::kShared); }
void a_copy(World& w) {
    a_touched_map(w);
    (void)w.call(VmCall::Fork, {{0, w.caller.raw(), w.other.raw()}});
}
void a_stack(World& w) { w.at = w.map(kPages, World::kPrivate | kMapGrowsDown) + kPageSize; }
void a_hole_in_much(World& w) {
    w.at = w.map(3 * kPagesPerLeaf, World::kPrivate, World::kPlace);
    (void)w.vm.munmap(kCpu0, w.caller, w.at + (kPagesPerLeaf + 7) * kPageSize, kPageSize);
    w.at = w.at + (kPagesPerLeaf + 9) * kPageSize;
}
void a_copy_that_both_read(World& w) {
    a_copy(w);
    for (uint64_t i = 0; i < kPages; ++i) (void)w.vm.read(kCpu1, w.caller, w.at + i * kPageSize);
}
void lent_memory(World& w) {
    const VirtualAddress mine = w.map_filled(kPages, World::kShared);
    (void)w.call(VmCall::Remap, {{0, w.other.raw(), w.caller.raw(), 0, mine.raw(), kPages * kPageSize}});
    w.there = VirtualAddress{w.answer.words[1]};
}
void pages_for_one_use(World& w) {
    w.serve_files();
    w.files->use_once(kFile);
    (void)w.call(VmCall::MmapFile, {{0, 0, kPages * kPageSize, World::kReadWrite, kMapPrivate, kFile, 0}});
    w.at = VirtualAddress{w.answer.words[1]};
}
void a_file(World& w) {
    w.serve_files();
    (void)w.call(VmCall::MmapFile, {{0, 0, kPages * kPageSize, World::kReadWrite, kMapPrivate, kFile, 0}});
    w.at = VirtualAddress{w.answer.words[1]};
}
void a_read_file(World& w) {
    a_file(w);
    (void)w.read(w.at + kPageSize);
}

}  // namespace
}  // namespace faults

Scenarios fault_scenarios() {
    using namespace faults;
    return {
        {"a first touch", {}, a_map, [](World& w) { return w.write(w.at, 1); }},
        {"a read", {}, a_map, [](World& w) { return w.read(w.at); }},
        {"a touch of shared memory", {}, a_shared_map, [](World& w) { return w.write(w.at + kPageSize, 1); }},
        {"a write to a copied page", {}, a_copy,
         [](World& w) {
             w.forget(w.at + kPageSize, 1);
             return w.write(w.at + kPageSize, 1);
         }},
        {"a touch of a file", {}, a_file, [](World& w) { return w.read(w.at + kPageSize); }, Leaves::CachedPages},
        {"a write to a file's page", {}, a_read_file, [](World& w) { return w.write(w.at + kPageSize, 1); }, Leaves::CachedPages},
        {"a touch of a stack", {}, a_stack, [](World& w) { return w.write(w.at, 1); }},
        {"a touch in a detached leaf", {}, a_hole_in_much, [](World& w) { return w.write(w.at, 1); }},
        {"a write to a copied page that two CPUs read", {}, a_copy_that_both_read,
         [](World& w) {
             w.forget(w.at + kPageSize, 1);
             return w.write(w.at + kPageSize, 1);
         }},
        {"a touch of lent memory", {}, lent_memory, [](World& w) { return w.vm.read(kCpu0, w.other, w.there).error(); }},
        {"a write to a page for one use", {}, pages_for_one_use, [](World& w) { return w.write(w.at + kPageSize, 1); }, Leaves::CachedPages},
        {"an execution", {}, [](World& w) { w.at = w.map(kPages, World::kPrivate, {}, kProtectRead | kProtectExecute); },
         [](World& w) { return w.vm.execute(kCpu0, w.caller, w.at); }},
        {"a request of the kernel", {}, a_map, [](World& w) { return w.ask_for(w.at, kPages * kPageSize, kFaultUser | kFaultWrite); },
         Leaves::PagesPresent},
    };
}

}  // namespace shoal::model
