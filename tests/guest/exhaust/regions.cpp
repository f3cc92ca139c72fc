// Regions: the quota pays for them. A mapping is cut into pieces, every other page of it protected, until that is refused.
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/address.hpp"
#include "tests/guest/exhaust/crowd.hpp"
#include "tests/guest/exhaust/own_usage.hpp"
#include "tests/guest/exhaust/resources.hpp"

namespace shoal::test {

namespace {

constexpr size_t kPages = 65'536;
constexpr uint64_t kQuotaForRegions = 500;  // pages: for the program, and some thousands of regions

// Pieces cut off until it was refused; 0: refused with another error, or the mapping.
unsigned cut_to_the_end() {
    auto* start = static_cast<char*>(mmap(nullptr, kPages * kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (start == MAP_FAILED) return 0;
    start[0] = 1;
    unsigned pieces = 0;
    while (2 * pieces + 1 < kPages && mprotect(start + (2 * pieces + 1) * kPageSize, kPageSize, PROT_READ) == 0) ++pieces;
    const bool rightly = errno == ENOMEM && 2 * pieces + 1 < kPages;
    // At the end of the quota what is there works on, and what is given up can be had again.
    start[0] = 2;
    const bool back = pieces > 1 && mprotect(start + kPageSize, kPageSize, PROT_READ | PROT_WRITE) == 0 && mprotect(start + kPageSize, kPageSize, PROT_READ) == 0;
    return munmap(start, kPages * kPageSize) == 0 && rightly && back ? pieces : 0;
}

}  // namespace

// Tables of leaves that have become empty stay, and are paid for, until there is a shortage of memory.
int take_regions() {
    (void)cut_to_the_end();  // what the library keeps from now on, it has
    const VmUsage before = own_usage();
    const unsigned first = cut_to_the_end(), second = cut_to_the_end();
    const VmUsage after = own_usage();
    const bool same = after.regions == before.regions && after.charged_pages - after.leaves == before.charged_pages - before.leaves;
    const bool good = first > 0 && second > 0 && same;
    if (!good)
        printf("exhaust: %u pieces, then %u; %lu regions, then %lu; %lu pages charged, %lu of them tables, then %lu and %lu\n", first, second,
               before.regions, after.regions, before.charged_pages, before.leaves, after.charged_pages, after.leaves);
    return good ? 0 : 1;
}

void exhaust_regions(Verdict& verdict, unsigned crowd) {
    const Load load;
    Crowd takers(crowd, "regions", kQuotaForRegions);
    if (takers.size() < crowd) verdict.fail("only %u processes could be started", takers.size());
    takers.wait([&](int64_t status) {
        if (status != 0) verdict.fail("regions: not refused with ENOMEM, or not all came back (status %ld)", status);
    });
}

}  // namespace shoal::test
