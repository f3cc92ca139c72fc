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
        {"a request of the kernel", {}, a_map, [](World& w) { return w.ask_for(w.at, kPages * kPageSize, kFaultUser | kFaultWrite); },
         Leaves::PagesPresent},
    };
}

}  // namespace shoal::model
