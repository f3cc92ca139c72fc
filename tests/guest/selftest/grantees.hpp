// What the tests of grants share: memory to grant, tables, and children that use them.
#pragma once

#include <stdio.h>
#include <sys/mman.h>

#include <cstdint>

#include "abi/grant.hpp"
#include "abi/kernel_call_stubs.hpp"
#include "base/address.hpp"
#include "libc-min/process.hpp"
#include "tests/guest/verdict.hpp"

namespace shoal::test {

inline VirtualAddress address_of(const void* memory) { return VirtualAddress{reinterpret_cast<uint64_t>(memory)}; }

inline char* map_pages(uint64_t pages, int protection = PROT_READ | PROT_WRITE) {
    return static_cast<char*>(mmap(nullptr, pages * kPageSize, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

inline void register_grants(const Grant* table, uint64_t count) {
    (void)kernel_calls::grant_table(address_of(table), count);  // what is not registered shows in its use
}

// The child is started as "child=WHAT@ARGUMENT".
inline Result<Endpoint> start_grantee(const char* what, uint64_t argument, uint64_t cpu) {
    char text[48];
    snprintf(text, sizeof text, "child=%s@%lx", what, argument);
    const char* const arguments[] = {"selftest", text};
    SpawnOptions options;
    options.name = "selftest";
    options.arguments = arguments;
    options.cpu = cpu;
    return spawn(options);
}

// A child that finds nothing wrong ends with 0, else with the line of the check.
inline void expect_good_end(Verdict& verdict, const char* file, const char* what, const Result<Endpoint>& child) {
    if (!child.ok()) return verdict.fail("%s: %s: spawn: %s", file, what, error_text(child.error()));
    const Result<EndedChild> ended = wait_child(child.value());
    if (!ended.ok()) return verdict.fail("%s: %s: %s", file, what, error_text(ended.error()));
    if (ended.value().status != 0) verdict.fail("%s: %s: line %ld", file, what, ended.value().status);
}

}  // namespace shoal::test
