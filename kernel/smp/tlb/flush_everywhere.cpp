#include "kernel/smp/tlb/flush_everywhere.hpp"

#include <atomic>

#include "base/lock/lock_context.hpp"
#include "kernel/smp/apic/local_apic.hpp"
#include "kernel/smp/apic/vectors.hpp"
#include "kernel/smp/local/processor.hpp"
#include "kernel/smp/x86/control.hpp"
#include "kernel/smp/x86/instructions.hpp"

namespace shoal::smp {
namespace {

// Requests are numbered; a CPU that has flushed has served all up to the number that it read before.
alignas(kCacheLine) constinit std::atomic<uint64_t> requested{0};

struct alignas(kCacheLine) Served {
    std::atomic<uint64_t> number{0};
};
constinit Served served[kMaxCpus];

// Toggling CR4.PGE drops global entries and those of all PCIDs as well (SDM vol. 3A, 4.10.4.1).
void flush_all() {
    const uint64_t value = x86::read_cr4();
    x86::write_cr4(value & ~x86::cr4::kGlobalPages);
    x86::write_cr4(value);
}

void wait_for(CpuId cpu, uint64_t number) {
    // Acquire pairs with the release in serve_flush(): that CPU uses no old translation any more.
    while (served[cpu.index()].number.load(std::memory_order_acquire) < number) {
        serve_flush();
        x86::pause();
    }
}

}  // namespace

void flush_everywhere(VirtualRange) {
    // The change of the tables comes before the number (release), and before the interrupt (local_apic::send_to_others fences).
    const uint64_t number = requested.fetch_add(1, std::memory_order_acq_rel) + 1;  // pairs with serve_flush()
    local_apic::send_to_others(kFlushVector);
    for (uint32_t i = 0; i < processor_count(); ++i) wait_for(CpuId::from(i), number);
}

void serve_flush() {
    Served& own = served[local().id.index()];
    // Acquire pairs with the fetch_add in flush_everywhere(): the changed tables are seen by walks after the flush.
    const uint64_t number = requested.load(std::memory_order_acquire);
    if (own.number.load(std::memory_order_relaxed) == number) return;
    flush_all();
    own.number.store(number, std::memory_order_release);  // pairs with wait_for()
}

}  // namespace shoal::smp

namespace shoal {

// Who spins on a lock may be waited for by the lock's holder.
void relax_while_spinning(LockContext&) {
    smp::serve_flush();
}

}  // namespace shoal
