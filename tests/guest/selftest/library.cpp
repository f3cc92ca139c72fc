// Start-up, heap and time.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/selftest/cases.hpp"

namespace shoal::test {
namespace {

struct Constructed {
    int value;
    Constructed() : value(argument_seen()) {}
    static int argument_seen() { return 42; }
};
Constructed constructed;  // its constructor runs before main

}  // namespace

void test_start(Verdict& verdict, int argument_count, char** arguments) {
    SHOAL_EXPECT(verdict, constructed.value == 42);
    SHOAL_EXPECT(verdict, argument_count >= 1 && arguments[argument_count] == nullptr);
    SHOAL_EXPECT(verdict, strcmp(arguments[0], "selftest") == 0);
    SHOAL_EXPECT(verdict, getenv("NO_SUCH_VARIABLE") == nullptr);
    SHOAL_EXPECT(verdict, sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    SHOAL_EXPECT(verdict, getpid() != 0);
    char text[64];
    snprintf(text, sizeof text, "%.17g %e %5.1f", 0.1, 12345.678, -2.25);
    SHOAL_EXPECT(verdict, strcmp(text, "0.10000000000000001 1.234568e+04  -2.2") == 0);
}

void test_heap(Verdict& verdict) {
    constexpr size_t kBlocks = 512;
    static unsigned char* blocks[kBlocks];
    static size_t sizes[kBlocks];
    srand(7);
    for (int i = 0; i < 20'000; ++i) {
        const size_t at = static_cast<size_t>(rand()) % kBlocks;
        const auto fill = static_cast<unsigned char>(at);
        if (blocks[at] != nullptr) {
            bool intact = true;
            for (size_t j = 0; j < sizes[at]; ++j) intact = intact && blocks[at][j] == fill;
            SHOAL_EXPECT(verdict, intact);
            free(blocks[at]);
        }
        sizes[at] = static_cast<size_t>(rand()) % (i % 50 == 0 ? 300'000 : 2000);
        blocks[at] = static_cast<unsigned char*>(malloc(sizes[at]));
        if (blocks[at] == nullptr) return verdict.fail("malloc of %zu bytes failed", sizes[at]);
        memset(blocks[at], fill, sizes[at]);
    }
    for (unsigned char*& block : blocks) free(block), block = nullptr;
    auto* aligned = aligned_alloc(1 << 20, 100);
    SHOAL_EXPECT(verdict, aligned != nullptr && reinterpret_cast<uintptr_t>(aligned) % (1 << 20) == 0);
    free(aligned);
    errno = 0;
    volatile size_t huge = ~size_t{0} / 2;
    SHOAL_EXPECT(verdict, malloc(huge) == nullptr && errno == ENOMEM);
}

void test_time(Verdict& verdict) {
    timespec before, after;
    SHOAL_EXPECT(verdict, clock_gettime(CLOCK_MONOTONIC, &before) == 0);
    usleep(20'000);
    SHOAL_EXPECT(verdict, clock_gettime(CLOCK_MONOTONIC, &after) == 0);
    const int64_t slept =
        (after.tv_sec - before.tv_sec) * 1'000'000'000 + after.tv_nsec - before.tv_nsec;
    SHOAL_EXPECT(verdict, slept >= 20'000'000);
    SHOAL_EXPECT(verdict, slept < 5'000'000'000);
    SHOAL_EXPECT(verdict, clock_gettime(99, &before) == -1 && errno == EINVAL);
}

}  // namespace shoal::test
