// Memory that is mapped by grants: a child on each CPU maps what this process grants it, reads and writes it beside this process, and keeps
// a copy when it is taken back; and grants that are passed on.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atomic>

#include "abi/kernel_info.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/selftest/cases.hpp"
#include "tests/guest/selftest/grantees.hpp"

namespace shoal::test {
namespace {

using kernel_calls::saferevmap;
using kernel_calls::safeunmap;

constexpr uint32_t kMapsOwn = Grant::kUsed | Grant::kDirect | Grant::kValid | Grant::kMap | Grant::kRead;
constexpr uint32_t kMapsPassedOn = Grant::kUsed | Grant::kIndirect | Grant::kValid | Grant::kMap | Grant::kRead | Grant::kWrite;
constexpr uint32_t kMapsOthers = Grant::kUsed | Grant::kMagic | Grant::kValid | Grant::kMap | Grant::kRead | Grant::kWrite;
constexpr uint64_t kLong = 600;  // pages: more than a leaf

// The grants that the parent makes; their numbers.
enum MapNumber : uint64_t { kWordsGrant, kReadGrant, kCopyGrant, kLongGrant, kNoMapGrant, kHoleGrant, kMapGrants };

// What parent and child tell each other, in the page that both have.
struct Words {
    std::atomic<uint64_t> child, parent;
};

bool wait_for(const std::atomic<uint64_t>& word, uint64_t value) {
    for (int i = 0; i < 10'000 && word.load(std::memory_order_acquire) != value; ++i) usleep(1'000);  // pairs with tell()
    return word.load(std::memory_order_acquire) == value;
}
void tell(std::atomic<uint64_t>& word, uint64_t value) { word.store(value, std::memory_order_release); }  // pairs with wait_for()

Error map_granted(Endpoint granter, uint64_t grant, void* at, MapMode mode, uint64_t pages = 1, uint64_t offset = 0) {
    return kernel_calls::safemap(granter, grant, offset, address_of(at), pages * kPageSize, static_cast<uint64_t>(mode)).error();
}

#define REQUIRE_MAP(condition) \
    if (!(condition)) return __LINE__

int refused_maps(Endpoint from, char* own) {
    REQUIRE_MAP(map_granted(from, kMapGrants, own, MapMode::SharedReadOnly) == Error::Permission);
    REQUIRE_MAP(map_granted(from, kNoMapGrant, own, MapMode::SharedReadOnly) == Error::Permission);
    REQUIRE_MAP(map_granted(from, kReadGrant, own, MapMode::SharedWritable) == Error::Permission);
    REQUIRE_MAP(map_granted(from, kReadGrant, own, MapMode::SharedReadOnly, 2) == Error::Permission);
    REQUIRE_MAP(map_granted(from, kReadGrant, own + 8, MapMode::SharedReadOnly) == Error::Invalid);
    REQUIRE_MAP(map_granted(from, kReadGrant, own, MapMode::SharedReadOnly, 0) == Error::Invalid);
    REQUIRE_MAP(map_granted(from, kLongGrant, own, MapMode::SharedReadOnly, 1, 8) == Error::Invalid);
    REQUIRE_MAP(map_granted(from, kHoleGrant, own, MapMode::SharedReadOnly) == Error::BadAddress);
    REQUIRE_MAP(map_granted(from, kReadGrant, own + 4 * kLong * kPageSize, MapMode::SharedReadOnly) == Error::BadAddress);
    REQUIRE_MAP(map_granted(kAny, kReadGrant, own, MapMode::SharedReadOnly) == Error::Invalid);
    REQUIRE_MAP(safeunmap(address_of(own)).error() == Error::BadAddress);
    REQUIRE_MAP(saferevmap(kReadGrant).ok());  // nobody has mapped anything of ours
    REQUIRE_MAP(saferevmap(uint64_t{1} << 31).error() == Error::Invalid);
    return 0;
}

// The parent's answers: 1 once it has written elsewhere, 2 when it has taken back what is read.
int use_maps(Endpoint from) {
    char* const own = map_pages(4);
    char* const far = map_pages(kLong);
    memset(own, 'x', 4 * kPageSize);
    if (const int line = refused_maps(from, own); line != 0) return line;
    char *const read = own + kPageSize, *const copy = own + 2 * kPageSize;
    auto* const words = reinterpret_cast<Words*>(own);
    REQUIRE_MAP(map_granted(from, kWordsGrant, own, MapMode::SharedWritable) == Error::None);
    REQUIRE_MAP(map_granted(from, kWordsGrant, own, MapMode::SharedWritable) == Error::Exists);
    REQUIRE_MAP(map_granted(from, kReadGrant, read, MapMode::SharedReadOnly) == Error::None);
    REQUIRE_MAP(map_granted(from, kCopyGrant, copy, MapMode::CopyOnWrite) == Error::None);
    REQUIRE_MAP(map_granted(from, kLongGrant, far, MapMode::SharedWritable, kLong) == Error::None);
    REQUIRE_MAP(read[0] == 'r' && copy[0] == 'c' && own[3 * kPageSize] == 'x');
    for (uint64_t page = 0; page < kLong; ++page) far[page * kPageSize] = static_cast<char>(page % 100);
    tell(words->child, 1);
    REQUIRE_MAP(wait_for(words->parent, 1));
    REQUIRE_MAP(read[0] == 'R' && copy[0] == 'c');
    copy[0] = 'm';
    tell(words->child, 2);
    REQUIRE_MAP(wait_for(words->parent, 2));
    REQUIRE_MAP(read[0] == 'R');
    read[0] = 'm';  // its own by now
    REQUIRE_MAP(map_granted(from, kReadGrant, own + 3 * kPageSize, MapMode::SharedReadOnly) == Error::Permission);
    REQUIRE_MAP(safeunmap(address_of(far)).ok());
    REQUIRE_MAP(safeunmap(address_of(far)).error() == Error::BadAddress);
    for (uint64_t page = 0; page < kLong; ++page) {
        REQUIRE_MAP(far[page * kPageSize] == static_cast<char>(page % 100));
        far[page * kPageSize] = 'm';
    }
    tell(words->child, 3);
    return 0;
}

// Passes the parent's words on to a child of its own.
int pass_on(Endpoint from) {
    static Grant table[1];
    table[0] = {kMapsPassedOn, 0, kAny, from, 0, kPageSize, kWordsGrant};
    register_grants(table, 1);
    const Result<Endpoint> child = start_grantee("map-passed-on", kernel_facts().self.raw(), 0);
    REQUIRE_MAP(child.ok());
    const Result<EndedChild> ended = wait_child(child.value());
    return ended.ok() ? static_cast<int>(ended.value().status) : __LINE__;
}

int map_passed_on(Endpoint from) {
    char* const own = map_pages(1);
    REQUIRE_MAP(map_granted(from, 0, own, MapMode::SharedWritable) == Error::None);
    auto* const words = reinterpret_cast<Words*>(own);
    tell(words->child, 1);
    REQUIRE_MAP(wait_for(words->parent, 1));
    // The parent has taken its grant back, and with it what was passed on.
    tell(words->child, 2);
    REQUIRE_MAP(map_granted(from, 0, map_pages(1), MapMode::SharedWritable) == Error::Permission);
    return 0;
}

// Who may not grant others' memory (fileserver may).
int map_others(Endpoint of) {
    static Grant table[1];
    char* const own = map_pages(1);
    table[0] = {kMapsOthers, 0, kAny, of, address_of(own).raw(), kPageSize};
    register_grants(table, 1);
    REQUIRE_MAP(map_granted(kernel_facts().self, 0, own, MapMode::SharedWritable) == Error::Permission);
    return 0;
}

#undef REQUIRE_MAP

// --- the parent ---

void test_maps_on_cpu(Verdict& verdict, uint64_t cpu) {
    static Grant table[kMapGrants];
    char* const own = map_pages(3);
    char* const far = map_pages(kLong);
    char* const hole = map_pages(1);
    munmap(hole, kPageSize);
    auto* const words = reinterpret_cast<Words*>(own);
    char *const read = own + kPageSize, *const copied = own + 2 * kPageSize;
    read[0] = 'r', copied[0] = 'c';
    table[kWordsGrant] = {kMapsOwn | Grant::kWrite, 0, kAny, {}, address_of(own).raw(), kPageSize};
    table[kReadGrant] = {kMapsOwn, 0, kAny, {}, address_of(read).raw(), kPageSize};
    table[kCopyGrant] = {kMapsOwn, 0, kAny, {}, address_of(copied).raw(), kPageSize};
    table[kLongGrant] = {kMapsOwn | Grant::kWrite, 0, kAny, {}, address_of(far).raw(), kLong * kPageSize};
    table[kNoMapGrant] = {kMapsOwn & ~uint32_t{Grant::kMap}, 0, kAny, {}, address_of(read).raw(), kPageSize};
    table[kHoleGrant] = {kMapsOwn, 0, kAny, {}, address_of(hole).raw(), kPageSize};
    register_grants(table, kMapGrants);
    const Result<Endpoint> child = start_grantee("use-maps", kernel_facts().self.raw(), cpu);
    SHOAL_EXPECT(verdict, wait_for(words->child, 1));
    SHOAL_EXPECT(verdict, far[(kLong - 1) * kPageSize] == (kLong - 1) % 100);
    read[0] = 'R', copied[0] = 'C';
    tell(words->parent, 1);
    SHOAL_EXPECT(verdict, wait_for(words->child, 2));
    *const_cast<volatile uint32_t*>(&table[kReadGrant].flags) = 0;
    SHOAL_EXPECT(verdict, saferevmap(kReadGrant).ok());
    read[0] = 'n';
    tell(words->parent, 2);
    SHOAL_EXPECT(verdict, wait_for(words->child, 3));
    expect_good_end(verdict, "maps.cpp", "use", child);
    SHOAL_EXPECT(verdict, read[0] == 'n' && copied[0] == 'C' && far[0] == 0 && far[5 * kPageSize] == 5);
    munmap(own, 3 * kPageSize);
    munmap(far, kLong * kPageSize);
}

void test_passing_on(Verdict& verdict, uint64_t cpu) {
    static Grant table[1];
    char* const own = map_pages(1);
    auto* const words = reinterpret_cast<Words*>(own);
    table[kWordsGrant] = {kMapsOwn | Grant::kWrite, 0, kAny, {}, address_of(own).raw(), kPageSize};
    register_grants(table, 1);
    const Result<Endpoint> child = start_grantee("pass-on", kernel_facts().self.raw(), cpu);
    SHOAL_EXPECT(verdict, wait_for(words->child, 1));
    *const_cast<volatile uint32_t*>(&table[0].flags) = 0;
    tell(words->parent, 1);
    SHOAL_EXPECT(verdict, saferevmap(kWordsGrant).ok());
    words->child = 5;
    expect_good_end(verdict, "maps.cpp", "pass on", child);
    SHOAL_EXPECT(verdict, words->child == 5);
    munmap(own, kPageSize);
}

}  // namespace

int run_map_child(const char* what) {
    const char* const mark = strchr(what, '@');
    if (mark == nullptr) return kNoMapChild;
    const auto is = [&](const char* name) { return strlen(name) == static_cast<size_t>(mark - what) && strncmp(what, name, strlen(name)) == 0; };
    const Endpoint parent{static_cast<uint32_t>(strtoul(mark + 1, nullptr, 16))};
    if (is("use-maps")) return use_maps(parent);
    if (is("pass-on")) return pass_on(parent);
    if (is("map-passed-on")) return map_passed_on(parent);
    if (is("map-others")) return map_others(parent);
    return kNoMapChild;
}

void test_maps(Verdict& verdict) {
    for (uint64_t cpu = 0; cpu < kernel_facts().cpus; ++cpu) {
        test_maps_on_cpu(verdict, cpu);
        test_passing_on(verdict, cpu);
        expect_good_end(verdict, "maps.cpp", "of others", start_grantee("map-others", kernel_facts().self.raw(), cpu));
    }
    register_grants(nullptr, 0);
}

}  // namespace shoal::test
