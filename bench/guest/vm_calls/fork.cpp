// A process with 512 resident pages copied, and the copy ended. It is a partner, not the actor, which shares memory with all other actors.
#include "abi/privileges.hpp"
#include "bench/guest/control.hpp"
#include "bench/guest/vm_calls/actor.hpp"
#include "bench/guest/vm_calls/partner.hpp"
#include "bench/guest/vm_calls/rows.hpp"

namespace shoal::bench {
namespace {

// The partner's task.
void become_unrelated() {
    (void)munmap(own_control, (sizeof(Control) + kPage - 1) & ~(kPage - 1));
    touch(resident(kChunk), kChunk);  // so that they are its own, no longer the actor's
}

struct Source : Partner {
    explicit Source(unsigned cpu) : Partner(become_unrelated, cpu, kServerPriority) { await(); }
};

}  // namespace

void fork_round(unsigned actor) {
    (void)resident(kChunk);
    static const Source source(actor);
    for (uint64_t i = 0; i < kForks; ++i) {
        const auto copy = CopiedProcess::of(source.process());
        require(copy, "no copy");
        require(copy.value().end(), "the copy does not end");
    }
}

}  // namespace shoal::bench
