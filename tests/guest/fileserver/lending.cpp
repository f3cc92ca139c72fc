// A file server lends memory that is neither its own nor granted to it: a program's, whose child plays it.
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/grant.hpp"
#include "abi/kernel_call_stubs.hpp"
#include "base/address.hpp"
#include "libc-min/process.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/fileserver/files.hpp"

namespace shoal::test {
namespace {

constexpr char kLent = 'p', kAnswered = 'c', kAsked = 's';

alignas(kPageSize) volatile char lent_page[kPageSize] = {kLent};

Result<Endpoint> start_owner() {
    const char* const arguments[] = {"fileserver", "owner"};
    SpawnOptions options;
    options.name = "fileserver";
    options.arguments = arguments;
    return spawn(options);
}

VirtualAddress address_in_owner() { return VirtualAddress{reinterpret_cast<uint64_t>(lent_page)}; }

}  // namespace

// Ends when its memory says that it has been mapped, written, and parted from.
int be_lent() {
    for (int i = 0; i < 10'000 && lent_page[0] != kAnswered; ++i) usleep(1'000);
    return lent_page[0] == kAnswered && lent_page[1] == 0 ? 0 : 1;
}

void lend_others_memory(Verdict& verdict) {
    static Grant table[1];
    const Result<Endpoint> owner = start_owner();
    if (!owner.ok()) return verdict.fail("lending: spawn: %s", error_text(owner.error()));
    constexpr uint32_t kRights = Grant::kRead | Grant::kWrite | Grant::kMap;
    table[0] = {Grant::kUsed | Grant::kMagic | Grant::kValid | kRights, 0, kAny, owner.value(), address_in_owner().raw(), kPageSize};
    (void)kernel_calls::grant_table(VirtualAddress{reinterpret_cast<uint64_t>(table)}, 1);
    void* memory = mmap(nullptr, kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    auto* const own = static_cast<volatile char*>(memory);
    const VirtualAddress at{reinterpret_cast<uint64_t>(memory)};
    const Endpoint self = kernel_facts().self;
    char copied = 0;
    SHOAL_EXPECT(verdict, kernel_calls::safe_copy_from(self, 0, 0, VirtualAddress{reinterpret_cast<uint64_t>(&copied)}, 1).ok() && copied == kLent);
    SHOAL_EXPECT(verdict, kernel_calls::safemap(self, 0, 0, at, kPageSize, static_cast<uint64_t>(MapMode::SharedWritable)).ok());
    SHOAL_EXPECT(verdict, own[0] == kLent);
    own[0] = kAsked;
    SHOAL_EXPECT(verdict, kernel_calls::saferevmap(0).ok());
    own[1] = kAsked;  // its own copy's
    SHOAL_EXPECT(verdict, own[0] == kAsked);
    copied = kAnswered;
    SHOAL_EXPECT(verdict, kernel_calls::safe_copy_to(self, 0, 0, VirtualAddress{reinterpret_cast<uint64_t>(&copied)}, 1).ok());
    const Result<EndedChild> ended = wait_child(owner.value());
    SHOAL_EXPECT(verdict, ended.ok() && ended.value().status == 0);
    (void)kernel_calls::grant_table(VirtualAddress{0}, 0);
    munmap(memory, kPageSize);
}

}  // namespace shoal::test
