// Grants between processes: a child on each CPU uses what this process grants it, and pages of either side are absent at first.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cstdint>

#include "abi/kernel_info.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/selftest/cases.hpp"
#include "tests/guest/selftest/grantees.hpp"

namespace shoal::test {
namespace {

using kernel_calls::safe_copy_from;
using kernel_calls::safe_copy_to;

constexpr uint64_t kFreshPages = 3, kNotes = 64;
constexpr uint32_t kUsable = Grant::kUsed | Grant::kDirect | Grant::kValid;
constexpr uint32_t kReads = kUsable | Grant::kRead, kWrites = kUsable | Grant::kWrite;
constexpr char kText[] = "what is granted";
constexpr uint64_t kUnaligned = kPageSize - 100, kWritten = 2 * kPageSize;  // into the fresh pages: over two borders

// The grants that the parent makes; their numbers.
enum Number : uint64_t { kTextGrant, kFreshGrant, kReadOnlyPage, kHole, kTrying, kOthers, kIndirect, kStale, kGone, kGrants };

uint64_t numbered(uint64_t sequence, Number index) { return sequence << 20 | index; }

// --- the children: 0, or the line of the check that failed ---

#define REQUIRE(condition) \
    if (!(condition)) return __LINE__

int refused_copies(Endpoint from, char* own) {
    const auto read = [&](uint64_t number, uint64_t offset, uint64_t bytes) {
        return safe_copy_from(from, number, offset, address_of(own), bytes).error();
    };
    const auto write = [&](uint64_t number, uint64_t bytes) { return safe_copy_to(from, number, 0, address_of(own), bytes).error(); };
    REQUIRE(read(kGrants, 0, 1) == Error::Permission);
    REQUIRE(read(uint64_t{1} << 31, 0, 1) == Error::Invalid);
    REQUIRE(read(numbered(1, kTextGrant), 0, 1) == Error::Permission);
    REQUIRE(read(kStale, 0, 1) == Error::Permission);
    REQUIRE(read(numbered(5, kStale), 0, 1) == Error::None);
    REQUIRE(write(kTextGrant, 1) == Error::Permission);
    REQUIRE(read(kOthers, 0, 1) == Error::Permission);
    REQUIRE(read(kIndirect, 0, 1) == Error::Permission);
    REQUIRE(read(kGone, 0, 1) == Error::Permission);
    REQUIRE(read(kTextGrant, 0, sizeof kText + 1) == Error::Permission);
    REQUIRE(read(kTextGrant, ~uint64_t{0}, 2) == Error::Permission);
    REQUIRE(read(kTextGrant, 1, ~uint64_t{0}) == Error::Permission);
    REQUIRE(read(kHole, 0, 1) == Error::BadAddress);
    REQUIRE(write(kReadOnlyPage, 1) == Error::AccessDenied);
    REQUIRE(safe_copy_from(from, kTextGrant, 0, VirtualAddress{kUserTop - 1}, 2).error() == Error::BadAddress);
    REQUIRE(safe_copy_from(kAny, kTextGrant, 0, address_of(own), 1).error() == Error::Invalid);
    return 0;
}

int use_grants(Endpoint from) {
    char* const own = map_pages(kFreshPages, PROT_READ | PROT_WRITE);
    REQUIRE(safe_copy_from(from, kTrying, 0, address_of(own), 1).error() == Error::BadAddress);  // absent, and VM is not asked
    REQUIRE(safe_copy_from(from, kTextGrant, 0, address_of(own + kPageSize - 3), sizeof kText).ok());
    REQUIRE(memcmp(own + kPageSize - 3, kText, sizeof kText) == 0);
    memset(own, 'x', kFreshPages * kPageSize);
    REQUIRE(safe_copy_from(from, kFreshGrant, kPageSize - 1, address_of(own), 2).ok());
    REQUIRE(own[0] == 0 && own[1] == 0 && own[2] == 'x');
    for (uint64_t i = 0; i < kWritten; ++i) own[i] = static_cast<char>(i * 7);
    REQUIRE(safe_copy_to(from, kFreshGrant, kUnaligned, address_of(own), kWritten).ok());
    return refused_copies(from, own);
}

// Copies until the grant is taken back, which must show in the very next copy.
int use_until_gone(Endpoint from) {
    char own[sizeof kText];
    while (true) {
        const Error error = safe_copy_from(from, kTextGrant, 0, address_of(own), sizeof own).error();
        if (error == Error::Permission) return 0;
        REQUIRE(error == Error::None && memcmp(own, kText, sizeof kText) == 0);
    }
}

int grant_until_killed() {
    static Grant table[1];
    char* const fresh = map_pages(kNotes, PROT_READ | PROT_WRITE);
    table[0] = {kReads | Grant::kWrite, 0, kAny, {}, address_of(fresh).raw(), kNotes * kPageSize};
    register_grants(table, 1);
    sleep(1000);
    return __LINE__;
}

#undef REQUIRE

// --- the parent ---

void test_on_cpu(Verdict& verdict, uint64_t cpu) {
    static Grant table[kGrants];
    char* const fresh = map_pages(kFreshPages, PROT_READ | PROT_WRITE);
    char* const read_only = map_pages(1, PROT_READ);
    char* const hole = map_pages(1, PROT_READ);
    char* const untouched = map_pages(1, PROT_READ);
    munmap(hole, kPageSize);
    table[kTextGrant] = {kReads, 0, kAny, {}, address_of(kText).raw(), sizeof kText};
    table[kFreshGrant] = {kReads | Grant::kWrite, 0, kAny, {}, address_of(fresh).raw(), kFreshPages * kPageSize};
    table[kReadOnlyPage] = {kWrites, 0, kAny, {}, address_of(read_only).raw(), kPageSize};
    table[kHole] = {kReads, 0, kAny, {}, address_of(hole).raw(), kPageSize};
    table[kTrying] = {kReads | Grant::kTry, 0, kAny, {}, address_of(untouched).raw(), kPageSize};
    table[kOthers] = {kReads, 0, kRs, {}, address_of(kText).raw(), sizeof kText};
    table[kIndirect] = {kReads | Grant::kIndirect, 0, kAny, {}, address_of(kText).raw(), sizeof kText};  // of two kinds
    table[kStale] = {kReads, 5, kAny, {}, address_of(kText).raw(), sizeof kText};
    table[kGone] = {};
    register_grants(table, kGrants);
    expect_good_end(verdict, "grants.cpp", "use", start_grantee("use-grants", kernel_facts().self.raw(), cpu));
    for (uint64_t i = 0; i < kWritten; ++i)
        if (fresh[kUnaligned + i] != static_cast<char>(i * 7)) return verdict.fail("grants: byte %lu was not written", i);
    SHOAL_EXPECT(verdict, fresh[kUnaligned - 1] == 0 && fresh[kUnaligned + kWritten] == 0);
    for (char* const memory : {read_only, untouched}) munmap(memory, kPageSize);
    munmap(fresh, kFreshPages * kPageSize);
    register_grants(nullptr, 0);
}

void test_revocation(Verdict& verdict, uint64_t cpu) {
    static Grant table[1];
    table[0] = {kReads, 0, kAny, {}, address_of(kText).raw(), sizeof kText};
    register_grants(table, 1);
    const Result<Endpoint> child = start_grantee("use-until-gone", kernel_facts().self.raw(), cpu);
    usleep(20'000);
    *const_cast<volatile uint32_t*>(&table[0].flags) = 0;
    expect_good_end(verdict, "grants.cpp", "until it is taken back", child);
    register_grants(nullptr, 0);
}

// The granter is killed while this process copies to and from it.
void test_dead_granter(Verdict& verdict, uint64_t cpu) {
    const Result<Endpoint> child = start_grantee("grant-until-killed", 0, cpu);
    if (!child.ok()) return verdict.fail("grants: spawn: %s", error_text(child.error()));
    static char notes[kNotes * kPageSize];
    Error error = Error::Permission;  // until its table is there
    while (error == Error::Permission) error = safe_copy_to(child.value(), 0, 0, address_of(notes), sizeof notes).error();
    SHOAL_EXPECT(verdict, error == Error::None);
    SHOAL_EXPECT(verdict, kill_child(child.value()).ok());
    while (error == Error::None) error = safe_copy_from(child.value(), 0, 0, address_of(notes), sizeof notes).error();
    if (error != Error::DeadEndpoint) verdict.fail("grants: a dead granter: %s", error_text(error));
    SHOAL_EXPECT(verdict, wait_child(child.value()).ok());
    SHOAL_EXPECT(verdict, safe_copy_from(child.value(), 0, 0, address_of(notes), 1).error() == Error::DeadEndpoint);
}

}  // namespace

int run_grant_child(const char* what) {
    const auto argument_of = [what](const char* name) -> const char* {
        const size_t length = strlen(name);
        return strncmp(what, name, length) == 0 && what[length] == '@' ? what + length + 1 : nullptr;
    };
    const auto endpoint = [](const char* text) { return Endpoint{static_cast<uint32_t>(strtoul(text, nullptr, 16))}; };
    if (const char* parent = argument_of("use-grants")) return use_grants(endpoint(parent));
    if (const char* parent = argument_of("use-until-gone")) return use_until_gone(endpoint(parent));
    if (argument_of("grant-until-killed") != nullptr) return grant_until_killed();
    return kNoGrantChild;
}

void test_grants(Verdict& verdict) {
    for (uint64_t cpu = 0; cpu < kernel_facts().cpus; ++cpu) {
        test_on_cpu(verdict, cpu);
        test_revocation(verdict, cpu);
        test_dead_granter(verdict, cpu);
    }
}

}  // namespace shoal::test
