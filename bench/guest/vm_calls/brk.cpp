// The break up by a page, which is touched, and down again.
#include <unistd.h>

#include "bench/guest/pages.hpp"
#include "bench/guest/vm_calls/rows.hpp"

namespace shoal::bench {

void brk_round(unsigned) {
    for (uint64_t i = 0; i < kSinglePages; ++i) {
        void* page = sbrk(static_cast<intptr_t>(kPage));
        if (page == MAP_FAILED) abort();
        touch(static_cast<char*>(page), kPage);
        (void)sbrk(-static_cast<intptr_t>(kPage));
    }
}

}  // namespace shoal::bench
