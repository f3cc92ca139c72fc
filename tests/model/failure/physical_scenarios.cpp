// map_phys, unmap_phys, getphys, adddma, deldma, getdma.
#include "tests/model/failure/scenario.hpp"

namespace shoal::model {

namespace physical_calls {
namespace {

constexpr uint64_t kPages = 12;
constexpr uint64_t kRegisters = vm::test::Machine::kDevice.first.address().raw();

void nothing(World&) {}
Error map_device(World& w) { return w.call(VmCall::MapPhys, {{0, 0, kRegisters, kPages * kPageSize, World::kReadWrite}}); }
void a_device(World& w) {
    (void)map_device(w);
    w.at = VirtualAddress{w.answer.words[1]};
    (void)w.write(w.at, 1);
}
void contiguous_memory(World& w) { w.at = w.map_filled(kPages, World::kContiguous); }
Error hold(World& w) { return w.call(VmCall::Adddma, {{0, (w.at + 2 * kPageSize).raw(), 4 * kPageSize}}); }
void held_memory(World& w) {
    contiguous_memory(w);
    (void)hold(w);
}
void a_hold_of_a_dead_process(World& w) {
    const ProcessId driver = w.vm.create(kCpu0);
    const VirtualAddress memory = w.vm.mmap(kCpu0, driver, kPages * kPageSize, World::kReadWrite, World::kContiguous).release();
    (void)w.call_of(driver, VmCall::Adddma, {{0, memory.raw(), kPages * kPageSize}});
    (void)w.vm.exit(kCpu0, driver);
}
Error let_go(World& w) { return w.call(VmCall::Deldma, {{0, 0, w.answer.words[1]}}); }

}  // namespace
}  // namespace physical_calls

Scenarios physical_scenarios() {
    using namespace physical_calls;
    return {
        {"map_phys", VmCall::MapPhys, nothing, map_device},
        {"unmap_phys", VmCall::UnmapPhys, a_device, [](World& w) { return w.call(VmCall::UnmapPhys, {{0, 0, w.at.raw()}}); }},
        {"a touch of a device", {}, [](World& w) { (void)map_device(w), w.at = VirtualAddress{w.answer.words[1]}; },
         [](World& w) { return w.write(w.at, 1); }},
        {"getphys", VmCall::Getphys, contiguous_memory, [](World& w) { return w.call(VmCall::Getphys, {{0, 0, w.at.raw()}}); },
         Leaves::AllAsItWas, Fails::Never},
        {"adddma", VmCall::Adddma, contiguous_memory, hold},
        {"deldma", VmCall::Deldma, held_memory, let_go, Leaves::AllAsItWas, Fails::Never},
        {"getdma", VmCall::Getdma,
         a_hold_of_a_dead_process, [](World& w) { return w.call(VmCall::Getdma, {}); }, Leaves::AllAsItWas, Fails::Never},
    };
}

}  // namespace shoal::model
