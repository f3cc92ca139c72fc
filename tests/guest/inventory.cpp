#include "tests/guest/inventory.hpp"

#include <stdio.h>
#include <unistd.h>

#include "abi/memory.hpp"
#include "abi/vm_call_stubs.hpp"
#include "libc-min/system/kernel_facts.hpp"

namespace shoal::test {

namespace {

// A thread gives its slot back when every CPU has heard of its end, which may be after it was joined: so there is some time for
// the slots to become as few as they were.
KernelInfo settled_kernel_facts() {
    static const uint64_t threads_alone = kernel_facts().threads;
    constexpr unsigned kPatience = 2000, kPause = 1000;  // times; microseconds
    KernelInfo facts = kernel_facts();
    for (unsigned i = 0; i < kPatience && facts.threads > threads_alone; ++i) {
        usleep(kPause);
        facts = kernel_facts();
    }
    return facts;
}

}  // namespace

Result<Inventory> Inventory::take() {
    const KernelInfo kernel = settled_kernel_facts();
    VmStats vm{};
    const auto asked = vm_calls::info(kInfoStats, kernel.process, VirtualAddress{reinterpret_cast<uint64_t>(&vm)}, sizeof vm, {});
    if (!asked.ok()) return asked.error();
    return Inventory{kernel.processes, kernel.threads, vm.free_pages + vm.arena_pages + vm.lent_pages, vm.arena_pages, vm.slab_objects_in_use};
}

void Inventory::print(const char* program) const {
    printf("%s: %lu processes, %lu threads, %lu pages free, slabs or lent, %lu slabs, %lu objects\n", program, processes, threads, pages,
           slabs, objects);
}

const char* Inventory::loss_since(const Inventory& before, uint64_t more_slabs) const {
    if (processes != before.processes) return "process slots leaked";
    if (threads != before.threads) return "thread slots leaked";
    if (objects > before.objects) return "slab objects leaked";
    if (pages < before.pages) return "frames leaked";
    return slabs > before.slabs + more_slabs ? "slabs leaked" : nullptr;
}

}  // namespace shoal::test
