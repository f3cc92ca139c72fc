// create, load, share, fork, exit, procctl, info, audit, rs_update, rs_prepare, rs_memctl.
#include <cstring>

#include "tests/model/failure/scenario.hpp"
#include "tests/unit/vm_space/elf_file.hpp"

namespace shoal::model {

namespace process_calls {
namespace {

constexpr uint64_t kPages = 20;
constexpr ProcessId kNewcomer = ProcessId::of(7, 9);

void nothing(World&) {}
void some_pages(World& w) { w.at = w.map_filled(kPages); }
void many_mappings(World& w) {
    some_pages(w);
    (void)w.map_filled(3, World::kShared);
    (void)w.map_filled(4, World::kContiguous);
    w.begin_heap();
    (void)w.call(VmCall::Brk, {{0, 0x70'0000}});
    const VirtualAddress large = w.map(3 * kPagesPerLeaf, World::kPrivate, World::kPlace);
    w.fill(w.caller, large + 100 * kPageSize, 3);
    (void)w.vm.munmap(kCpu0, w.caller, large + (kPagesPerLeaf + 9) * kPageSize, kPageSize);
}
void mappings_of_all_types(World& w) {
    many_mappings(w);
    w.serve_files();
    (void)w.call(VmCall::MmapFile, {{0, 0, kPages * kPageSize, World::kReadWrite, kMapPrivate, 7, 0}});
    w.fill(w.caller, VirtualAddress{w.answer.words[1]} + 3 * kPageSize, 2);
    (void)w.call(VmCall::MapPhys, {{0, 0, vm::test::Machine::kDevice.first.address().raw(), 4 * kPageSize, World::kReadWrite}});
    const VirtualAddress held = w.map_filled(4, World::kContiguous);
    (void)w.call(VmCall::Adddma, {{0, held.raw(), 4 * kPageSize}});
}
void some_copied_pages(World& w) {
    some_pages(w);
    const ProcessId third = w.vm.create(kCpu1);
    (void)w.call(VmCall::Fork, {{0, w.caller.raw(), third.raw()}});
}
void room_for_an_answer(World& w) { w.at = w.map(1); }

Error create(World& w) {
    w.vm.machine.add_process(kNewcomer, kCpu0);
    return w.call(VmCall::Create, {{0, kNewcomer.raw(), kNewcomer.raw(), 0}});
}

void an_executable(World& w) {
    const vm::test::File file = vm::test::good_file();
    const std::vector<uint64_t> words = vm::test::contents_of(file);
    const VirtualAddress image = w.map(PageCount::covering(file.bytes).raw());
    w.put(image, words.data(), file.bytes);
    LoadRequest load{};
    load.image = image, load.image_bytes = file.bytes;
    load.argument_count = 1, load.argument_bytes = 5;
    memcpy(load.arguments, "prog", 5);
    w.at = w.map(PageCount::covering(sizeof load).raw());
    w.put(w.at, &load, sizeof load);
}
Error load(World& w) {
    // The process may have been exchanged for another one since the beginning.
    (void)w.write(w.at, uint64_t{w.other.raw()} | uint64_t{w.caller.raw()} << 32);
    const Error error = w.call(VmCall::Load, {{0, w.at.raw()}});
    (void)w.write(w.at, 0);
    return error;
}
Error share(World& w) { return w.call(VmCall::Share, {{0, w.caller.raw(), w.at.raw(), kPages * kPageSize, w.other.raw()}}); }
Error fork(World& w) { return w.call(VmCall::Fork, {{0, w.caller.raw(), w.other.raw()}}); }
Error update(World& w, uint64_t flags) { return w.call(VmCall::RsUpdate, {{0, w.caller.raw(), w.other.raw(), flags}}); }
Error prepare(World& w, uint64_t flags) { return w.call(VmCall::RsPrepare, {{0, w.caller.raw(), w.other.raw(), flags}}); }
Error control(World& w, uint64_t what, uint64_t pages = 0) {
    return w.call(VmCall::RsMemctl, {{0, w.caller.raw(), what, pages * kPageSize}});
}
void some_untouched_pages(World& w) {
    some_copied_pages(w);
    (void)w.map(kPages, World::kShared);
    (void)w.map(5, World::kPrivate, World::kPlace);
}
void a_heap(World& w) {
    w.begin_heap();
    (void)w.call(VmCall::Brk, {{0, 0x60'0123}});
}
void a_preallocated_map(World& w) { (void)control(w, kMemoryMap, kPages); }
void a_server(World& w) {
    some_pages(w);
    w.vm.processes().find(w.caller)->standing = vm::Standing::Server;
}
Error exit_other(World& w) {
    const Error error = w.vm.exit(kCpu0, w.other);
    w.other = {};
    return error;
}
Error clear(World& w) {
    w.forget_all();
    return w.call(VmCall::Procctl, {{0, w.caller.raw(), kProcessClear}});
}
Error touch(World& w, uint64_t flags) { return w.call(VmCall::Procctl, {{0, w.caller.raw(), kProcessTouch, w.at.raw(), kPages * kPageSize, flags}}); }
Error ask(World& w, uint64_t what) { return w.call(VmCall::Info, {{0, what, 0, w.at.raw(), kPageSize, 0}}); }

}  // namespace
}  // namespace process_calls

Scenarios process_scenarios() {
    using namespace process_calls;
    return {
        {"create", VmCall::Create, nothing, create},
        {"load", VmCall::Load, an_executable, load, Leaves::OtherForExit},
        {"share", VmCall::Share, some_pages, share, Leaves::OtherForExit},
        {"share of untouched memory", VmCall::Share, [](World& w) { w.at = w.map(kPages); }, share, Leaves::OtherForExit},
        {"fork", VmCall::Fork, some_pages, fork, Leaves::OtherForExit},
        {"fork of a large process", VmCall::Fork, many_mappings, fork, Leaves::OtherForExit},
        {"fork of mappings of all types", VmCall::Fork, mappings_of_all_types, fork, Leaves::OtherForExit},
        {"share of copied pages", VmCall::Share, some_copied_pages, share, Leaves::OtherForExit},
        {"share of shared memory", VmCall::Share, [](World& w) { w.at = w.map_filled(kPages, World::kShared); }, share, Leaves::OtherForExit},
        // The caller's pages come with it, and are where they were.
        {"rs_update", VmCall::RsUpdate, some_pages, [](World& w) { return update(w, 0); }, Leaves::OtherForExit},
        {"rs_update without mappings", VmCall::RsUpdate, nothing, [](World& w) { return update(w, kUpdateNoMaps); }, Leaves::OtherForExit},
        {"rs_prepare", VmCall::RsPrepare, some_pages, [](World& w) { return prepare(w, 0); }, Leaves::OtherForExit},
        {"rs_prepare without mappings", VmCall::RsPrepare, some_untouched_pages, [](World& w) { return prepare(w, kUpdateNoMaps); }, Leaves::PagesPresent},
        {"rs_memctl, pin", VmCall::RsMemctl, some_untouched_pages, [](World& w) { return control(w, kMemoryPin); }, Leaves::PagesPresent},
        {"rs_memctl, VM's next instance", VmCall::RsMemctl, a_server, [](World& w) { return control(w, kMemoryMakeVm); }, Leaves::PagesPresent},
        {"rs_memctl, heap", VmCall::RsMemctl, a_heap, [](World& w) { return control(w, kMemoryExtendHeap, kPages); }, Leaves::PagesPresent},
        {"rs_memctl, map", VmCall::RsMemctl, nothing, [](World& w) { return control(w, kMemoryMap, kPages); }},
        {"rs_memctl, look for a map", VmCall::RsMemctl, a_preallocated_map, [](World& w) { return control(w, kMemoryFindMap); }, Leaves::AllAsItWas, Fails::Never},
        {"exit with mappings of all types", VmCall::Exit,
         [](World& w) {
             mappings_of_all_types(w);
             (void)fork(w);
         },
         exit_other, Leaves::AllAsItWas, Fails::Never},
        {"procctl, clear of all types", VmCall::Procctl, mappings_of_all_types, clear},
        {"exit", VmCall::Exit, nothing, exit_other, Leaves::AllAsItWas, Fails::Never},
        {"exit of a large process", VmCall::Exit,
         [](World& w) {
             many_mappings(w);
             (void)fork(w);
         },
         exit_other, Leaves::AllAsItWas, Fails::Never},
        {"procctl, clear", VmCall::Procctl, many_mappings, clear},
        {"procctl, touch", VmCall::Procctl, [](World& w) { w.at = w.map(kPages); }, [](World& w) { return touch(w, kFaultWrite); }, Leaves::PagesPresent},
        {"info, totals", VmCall::Info, room_for_an_answer, [](World& w) { return ask(w, kInfoStats); }},
        {"info, use", VmCall::Info, room_for_an_answer, [](World& w) { return ask(w, kInfoUsage); }},
        {"info, mappings", VmCall::Info, room_for_an_answer, [](World& w) { return ask(w, kInfoRegions); }},
        {"audit", VmCall::Audit, some_pages, [](World& w) { return w.call(VmCall::Audit, {}); }, Leaves::AllAsItWas, Fails::Never, 1},
    };
}

}  // namespace shoal::model
