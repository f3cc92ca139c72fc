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

// Until the kernel finds both waiting for a message: who is stopped just before that is in the middle of something.
bool settle(const Version& one, const Version& other) {
    for (;;) {
        const auto swapped = vm_calls::rs_update(one.process(), other.process(), kUpdateNoMaps);
        if (swapped.error() != Error::Busy) {
            require(swapped, "no swap");
            require(vm_calls::rs_update(one.process(), other.process(), kUpdateRollback), "no swap back");
            return true;
        }
        for (const Version* version : {&one, &other}) require(kernel_calls::process_resume(version->endpoint()), "a partner cannot be resumed");
        (void)kernel_calls::thread_yield();
        for (const Version* version : {&one, &other}) version->stop();
    }
}

void take_faults() {
    char* memory = map(kBytesAlongside);
    touch(memory, kBytesAlongside);
    if (munmap(memory, kBytesAlongside) != 0) abort();
}

}  // namespace

void swap_round(unsigned actor) {
    static const Version old_one(actor), new_one(actor);
    [[maybe_unused]] static const bool settled = settle(old_one, new_one);
    for (uint64_t i = 0; i < kSwaps; ++i) {
        const uint64_t flags = i % 2 == 0 ? kUpdateNoMaps : kUpdateRollback;
        require(vm_calls::rs_update(old_one.process(), new_one.process(), flags), "no swap");
        take_faults();
    }
}

}  // namespace shoal::bench
