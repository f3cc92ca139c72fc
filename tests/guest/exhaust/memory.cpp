// Memory: each takes pieces and touches them, until it is refused one or ends by a fault.
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/pm_calls.hpp"
#include "base/address.hpp"
#include "tests/guest/exhaust/crowd.hpp"
#include "tests/guest/exhaust/resources.hpp"

namespace shoal::test {

namespace {

constexpr size_t kPiece = 256 * kPageSize;

}  // namespace

// Waits until all have been started, since a program cannot be started where there is no memory.
int eat_memory() {
    usleep(500'000);
    for (;;) {
        void* piece = mmap(nullptr, kPiece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED) return errno == ENOMEM ? 0 : 1;
        for (size_t at = 0; at < kPiece; at += kPageSize) static_cast<volatile char*>(piece)[at] = 1;
    }
}

void exhaust_memory(Verdict& verdict, unsigned crowd) {
    Crowd eaters(crowd, "eat");
    if (eaters.size() < crowd) verdict.fail("only %u eaters could be started", eaters.size());
    unsigned refused = 0, killed = 0;
    eaters.wait([&](int64_t status) {
        if (status == 0) ++refused;
        else if (status == kFaultedStatus) ++killed;
        else verdict.fail("an eater ended with status %ld", status);
    });
    printf("exhaust: %u eaters refused, %u killed by a fault\n", refused, killed);
}

}  // namespace shoal::test
