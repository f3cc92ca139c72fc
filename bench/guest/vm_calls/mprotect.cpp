// A resident page to read-only and back, and written.
#include "bench/guest/vm_calls/actor.hpp"
#include "bench/guest/vm_calls/rows.hpp"

namespace shoal::bench {

void mprotect_round(unsigned) {
    char* page = resident(kPage);
    for (uint64_t i = 0; i < kSinglePages; ++i) {
        if (mprotect(page, kPage, PROT_READ) != 0) abort();
        if (mprotect(page, kPage, PROT_READ | PROT_WRITE) != 0) abort();
        touch(page, kPage);
    }
}

}  // namespace shoal::bench
