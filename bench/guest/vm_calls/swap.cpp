// Two stopped servers change places, and again, while the actors take page faults: some after each swap, and so beside the others' swaps.
#include "abi/memory.hpp"
#include "abi/privileges.hpp"
#include "abi/vm_call_stubs.hpp"
#include "bench/guest/vm_calls/actor.hpp"
#include "bench/guest/vm_calls/partner.hpp"
#include "bench/guest/vm_calls/rows.hpp"

namespace shoal::bench {
namespace {

constexpr size_t kBytesAlongside = 8 * kPage;

struct Version : Partner {
    explicit Version(unsigned cpu) : Partner([] {}, cpu, kServerPriority) {
        await();
        stop();
    }
};

void take_faults() {
    char* memory = map(kBytesAlongside);
    touch(memory, kBytesAlongside);
    if (munmap(memory, kBytesAlongside) != 0) abort();
}

}  // namespace

void swap_round(unsigned actor) {
    static const Version old_one(actor), new_one(actor);
    for (uint64_t i = 0; i < kSwaps; ++i) {
        const uint64_t flags = i % 2 == 0 ? kUpdateNoMaps : kUpdateRollback;
        require(vm_calls::rs_update(old_one.process(), new_one.process(), flags), "no swap");
        take_faults();
    }
}

}  // namespace shoal::bench
