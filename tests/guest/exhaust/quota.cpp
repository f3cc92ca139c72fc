// The quota: shared memory is paid for when it is mapped, so that it ends with an error; pages when they are touched, which ends the
// process.
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/address.hpp"
#include "tests/guest/exhaust/crowd.hpp"
#include "tests/guest/exhaust/own_usage.hpp"
#include "tests/guest/exhaust/resources.hpp"

namespace shoal::test {

namespace {

constexpr size_t kMostPieces = 64;
constexpr uint64_t kQuota = 500, kFarTooLittle = 1;  // pages

struct Piece {
    void* start;
    size_t bytes;
};

// Pages mapped until not one more was granted; 0: refused with another error.
size_t map_to_the_end() {
    Piece pieces[kMostPieces];
    size_t count = 0, pages = 0;
    bool rightly = true;
    for (size_t wanted = 128; wanted > 0 && count < kMostPieces;) {
        void* start = mmap(nullptr, wanted * kPageSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED) {
            rightly = rightly && errno == ENOMEM;
            wanted /= 2;
            continue;
        }
        pieces[count++] = {start, wanted * kPageSize};
        pages += wanted;
    }
    rightly = rightly && own_usage().charged_pages == kQuota;
    for (size_t i = 0; i < count; ++i) rightly = munmap(pieces[i].start, pieces[i].bytes) == 0 && rightly;
    return rightly ? pages : 0;
}

}  // namespace

int take_quota() {
    (void)map_to_the_end();
    const VmUsage before = own_usage();
    const size_t first = map_to_the_end(), second = map_to_the_end();
    const VmUsage after = own_usage();
    const bool same = first == second && after.charged_pages == before.charged_pages && after.regions == before.regions;
    if (first == 0 || !same)
        printf("exhaust: %lu pages, then %lu; %lu charged, then %lu\n", first, second, before.charged_pages, after.charged_pages);
    return first > 0 && same ? 0 : 1;
}

int overdraw_quota() {
    constexpr size_t kTooMany = (kQuota + 1) * kPageSize;
    void* start = mmap(nullptr, kTooMany, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return 1;
    for (size_t at = 0; at < kTooMany; at += kPageSize) static_cast<volatile char*>(start)[at] = 1;
    return 2;
}

void exhaust_quota(Verdict& verdict, unsigned crowd) {
    const Load load;
    Crowd takers(crowd, "quota", kQuota);
    if (takers.size() < crowd) verdict.fail("only %u processes could be started", takers.size());
    takers.wait([&](int64_t status) {
        if (status != 0) verdict.fail("quota: not refused with ENOMEM, or not all came back (status %ld)", status);
    });
    Crowd spendthrifts(crowd, "overdraw", kQuota);
    spendthrifts.wait([&](int64_t status) {
        if (status != kFaultedStatus) verdict.fail("quota: who touched more ended with status %ld", status);
    });
    const Result<Endpoint> poor = start_child("hold", kAnyCpu, kFarTooLittle);
    if (poor.ok() || poor.error() != Error::NoMemory) verdict.fail("a process with a quota of a page was not refused with NoMemory");
}

}  // namespace shoal::test
