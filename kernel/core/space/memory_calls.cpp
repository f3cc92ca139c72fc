// Kernel calls lend_area and reclaim_area.
#include "abi/kernel_call_dispatch.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/space/memory_request.hpp"
#include "kernel/core/space/setup.hpp"

namespace shoal::kernel {

// The area leaves VM's window before the kernel writes its first word into it, and returns after its last.
Result<void> calls::lend_area(Thread&, const LendAreaArguments& arguments) {
    if (arguments.area.raw() == 0 || arguments.area.raw() % kLeafSize != 0) return Error::Invalid;
    // --- commit point ---
    machine::hide_from_window(arguments.area);
    return space::shared_spaces().pool.adopt(machine::this_cpu().locks, arguments.area, space::AreaOrigin::Lent);
}

Result<PhysicalAddress> calls::reclaim_area(Thread&, const ReclaimAreaArguments&) {
    space::here().stock().drain();
    const PhysicalAddress area = TRY(space::shared_spaces().pool.reclaim(machine::this_cpu().locks));
    // --- commit point ---
    machine::show_in_window(area);
    return area;
}

}  // namespace shoal::kernel
