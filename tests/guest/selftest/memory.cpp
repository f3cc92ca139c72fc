// Mapping, unmapping, protecting, advising, and the break.
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "tests/guest/selftest/cases.hpp"

namespace shoal::test {
namespace {

constexpr int kReadWrite = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;

char* map(size_t bytes) {
    void* start = mmap(nullptr, bytes, kReadWrite, kPrivate, -1, 0);
    return start == MAP_FAILED ? nullptr : static_cast<char*>(start);
}

void test_holes(Verdict& verdict) {
    char* start = map(16 * kPageSize);
    if (start == nullptr) return verdict.fail("mmap failed");
    for (size_t i = 0; i < 16; ++i) start[i * kPageSize] = static_cast<char>(i + 1);
    SHOAL_EXPECT(verdict, munmap(start + 4 * kPageSize, 4 * kPageSize) == 0);
    SHOAL_EXPECT(verdict, start[3 * kPageSize] == 4 && start[8 * kPageSize] == 9);
    void* again = mmap(start + 5 * kPageSize, kPageSize, kReadWrite,
                       kPrivate | MAP_FIXED_NOREPLACE, -1, 0);
    SHOAL_EXPECT(verdict, again == start + 5 * kPageSize);
    SHOAL_EXPECT(verdict, start[5 * kPageSize] == 0);
    SHOAL_EXPECT(verdict, mmap(start, kPageSize, kReadWrite, kPrivate | MAP_FIXED_NOREPLACE, -1, 0) ==
                              MAP_FAILED && errno == EEXIST);
    SHOAL_EXPECT(verdict, mmap(start, kPageSize, kReadWrite, kPrivate | MAP_FIXED, -1, 0) == start);
    SHOAL_EXPECT(verdict, start[0] == 0);
    SHOAL_EXPECT(verdict, munmap(start, 16 * kPageSize) == 0);  // holes are fine
}

void test_advice(Verdict& verdict) {
    char* start = map(4 * kPageSize);
    if (start == nullptr) return verdict.fail("mmap failed");
    for (size_t i = 0; i < 4; ++i) start[i * kPageSize] = 7;
    SHOAL_EXPECT(verdict, madvise(start + kPageSize, 2 * kPageSize, MADV_DONTNEED) == 0);
    SHOAL_EXPECT(verdict, start[0] == 7 && start[kPageSize] == 0 && start[2 * kPageSize] == 0);
    SHOAL_EXPECT(verdict, start[3 * kPageSize] == 7);
    SHOAL_EXPECT(verdict, mprotect(start, 4 * kPageSize, PROT_READ) == 0);
    SHOAL_EXPECT(verdict, start[0] == 7);
    SHOAL_EXPECT(verdict, mprotect(start, 4 * kPageSize, kReadWrite) == 0);
    start[0] = 8;
    SHOAL_EXPECT(verdict, start[0] == 8);
    SHOAL_EXPECT(verdict, munmap(start, 4 * kPageSize) == 0);
    SHOAL_EXPECT(verdict, mprotect(start, kPageSize, PROT_READ) == -1 && errno == ENOMEM);
}

void test_bad_arguments(Verdict& verdict) {
    SHOAL_EXPECT(verdict, mmap(nullptr, 0, kReadWrite, kPrivate, -1, 0) == MAP_FAILED &&
                              errno == EINVAL);
    SHOAL_EXPECT(verdict, munmap(reinterpret_cast<void*>(1), kPageSize) == -1);
    SHOAL_EXPECT(verdict, munmap(reinterpret_cast<void*>(~uint64_t{0} - kPageSize + 1), kPageSize) == -1);
    SHOAL_EXPECT(verdict, mmap(nullptr, size_t{1} << 60, kReadWrite, kPrivate, -1, 0) == MAP_FAILED);
}

}  // namespace

void test_mapping(Verdict& verdict) {
    test_holes(verdict);
    test_advice(verdict);
    test_bad_arguments(verdict);
}

void test_break(Verdict& verdict) {
    auto* start = static_cast<char*>(sbrk(0));
    SHOAL_EXPECT(verdict, sbrk(3 * kPageSize) == start);
    for (size_t i = 0; i < 3 * kPageSize; ++i) SHOAL_EXPECT(verdict, start[i] == 0);
    start[0] = 1;
    SHOAL_EXPECT(verdict, sbrk(-static_cast<intptr_t>(3 * kPageSize)) == start + 3 * kPageSize);
    SHOAL_EXPECT(verdict, sbrk(kPageSize) == start);
    SHOAL_EXPECT(verdict, start[0] == 0);
    SHOAL_EXPECT(verdict, sbrk(-static_cast<intptr_t>(kPageSize)) == start + kPageSize);
}

}  // namespace shoal::test
