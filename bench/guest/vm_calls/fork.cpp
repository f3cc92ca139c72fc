// A process with 512 resident pages copied, and the copy ended.
#include "bench/guest/vm_calls/actor.hpp"
#include "bench/guest/vm_calls/copied_process.hpp"
#include "bench/guest/vm_calls/rows.hpp"
#include "libc-min/system/kernel_facts.hpp"

namespace shoal::bench {

void fork_round(unsigned) {
    (void)resident(kChunk);
    for (uint64_t i = 0; i < kForks; ++i) {
        const auto copy = CopiedProcess::of(kernel_facts().process);
        require(copy, "no copy");
        require(copy.value().end(), "the copy does not end");
    }
}

}  // namespace shoal::bench
