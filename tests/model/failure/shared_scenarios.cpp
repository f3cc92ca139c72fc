// remap, remap_ro, shm_unmap, getref.
#include "tests/model/failure/scenario.hpp"

namespace shoal::model {

namespace shared_calls {
namespace {

constexpr uint64_t kPages = 12;

void shared_memory(World& w) { w.at = w.map_filled(kPages, World::kShared); }
Error remap(World& w, VmCall how, VirtualAddress to) { return w.call(how, {{0, w.other.raw(), w.caller.raw(), to.raw(), w.at.raw(), kPages * kPageSize}}); }
void lent_memory(World& w) {
    shared_memory(w);
    (void)remap(w, VmCall::Remap, {});
    w.there = VirtualAddress{w.answer.words[1]};
    (void)w.vm.read(kCpu1, w.other, w.there);
}

}  // namespace
}  // namespace shared_calls

Scenarios shared_scenarios() {
    using namespace shared_calls;
    return {
        {"remap", VmCall::Remap, shared_memory, [](World& w) { return remap(w, VmCall::Remap, {}); }},
        {"remap to an address", VmCall::Remap, shared_memory, [](World& w) { return remap(w, VmCall::Remap, World::kPlace); }},
        {"remap_ro", VmCall::RemapRo, shared_memory, [](World& w) { return remap(w, VmCall::RemapRo, {}); }},
        {"shm_unmap", VmCall::ShmUnmap, lent_memory,
         [](World& w) {
             w.forget(w.at, kPages);
             return w.call(VmCall::ShmUnmap, {{0, 0, w.at.raw()}});
         }},
        {"shm_unmap, another's", VmCall::ShmUnmap, lent_memory,
         [](World& w) { return w.call(VmCall::ShmUnmap, {{0, w.other.raw(), w.there.raw()}}); }},
        {"the last shm_unmap", VmCall::ShmUnmap, shared_memory,
         [](World& w) {
             w.forget(w.at, kPages);
             return w.call(VmCall::ShmUnmap, {{0, 0, w.at.raw()}});
         }},
        {"getref", VmCall::Getref, lent_memory, [](World& w) { return w.call(VmCall::Getref, {{0, 0, w.at.raw()}}); }, Leaves::AllAsItWas, Fails::Never},
    };
}

}  // namespace shoal::model
