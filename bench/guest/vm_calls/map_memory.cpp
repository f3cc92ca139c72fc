// Pages of one process mapped into another by a grant, written there, and unmapped, which leaves copies.
#include "abi/grant.hpp"
#include "abi/privileges.hpp"
#include "bench/guest/vm_calls/actor.hpp"
#include "bench/guest/vm_calls/partner.hpp"
#include "bench/guest/vm_calls/rows.hpp"

namespace shoal::bench {
namespace {

constexpr size_t kBytesGranted = 64 * kPage;

VirtualAddress place() { return VirtualAddress{reinterpret_cast<uint64_t>(resident(kBytesGranted))}; }

// The partner's task.
void grant_place() {
    static Grant table[1];
    constexpr uint32_t kFlags = Grant::kUsed | Grant::kDirect | Grant::kValid | Grant::kMap | Grant::kRead | Grant::kWrite;
    touch(resident(kBytesGranted), kBytesGranted);  // so that they are its own, no longer the actor's
    table[0] = {kFlags, 0, kAny, {}, place().raw(), kBytesGranted};
    (void)kernel_calls::grant_table(VirtualAddress{reinterpret_cast<uint64_t>(table)}, 1);  // else there is no map
}

struct Granter : Partner {
    explicit Granter(unsigned cpu) : Partner(grant_place, cpu, kServerPriority) { await(); }
};

}  // namespace

void map_memory_round(unsigned actor) {
    const VirtualAddress memory = place();
    static const Granter granter(actor);
    for (uint64_t i = 0; i < kMaps; ++i) {
        const auto mode = static_cast<uint64_t>(MapMode::SharedWritable);
        require(kernel_calls::safemap(granter.endpoint(), 0, 0, memory, kBytesGranted, mode), "no map");
        touch(resident(kBytesGranted), kBytesGranted);
        require(kernel_calls::safeunmap(memory), "not unmapped");
    }
}

}  // namespace shoal::bench
