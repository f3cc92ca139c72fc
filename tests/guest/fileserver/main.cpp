// fileserver: does in VM what file servers and managers of shared memory do, with rs.role=fileserver.
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/memory.hpp"
#include "abi/vm_call_stubs.hpp"
#include "base/address.hpp"
#include "libc-min/process.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/fileserver/files.hpp"
#include "tests/guest/verdict.hpp"

namespace shoal::test {
namespace {

constexpr uint64_t kCacheDevice = 0x803, kPages = 40;

ProcessId self() { return kernel_facts().process; }
VirtualAddress address_of(const void* pointer) { return VirtualAddress{reinterpret_cast<uint64_t>(pointer)}; }
volatile uint64_t* word(VirtualAddress address, uint64_t page) {
    return reinterpret_cast<volatile uint64_t*>(address.raw() + page * kPageSize);
}

VirtualAddress map(int flags) {
    void* memory = mmap(nullptr, kPages * kPageSize, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? VirtualAddress{0} : address_of(memory);
}

void give_shared_memory(Verdict& verdict) {
    const VirtualAddress a = map(MAP_SHARED);
    for (uint64_t i = 0; i < kPages; i += 2) *word(a, i) = i + 1;
    const Result<VirtualAddress> b = vm_calls::remap(self(), self(), VirtualAddress{0}, a, kPages * kPageSize);
    const Result<VirtualAddress> c = vm_calls::remap_ro(self(), self(), VirtualAddress{0}, a, kPages * kPageSize);
    if (!b.ok() || !c.ok()) return verdict.fail("shared memory cannot be remapped: %s", error_text(b.ok() ? c.error() : b.error()));
    for (uint64_t i = 1; i < kPages; i += 2) *word(b.value(), i) = i + 1;
    for (uint64_t i = 0; i < kPages; ++i) SHOAL_EXPECT(verdict, *word(a, i) == i + 1 && *word(c.value(), i) == i + 1);
    SHOAL_EXPECT(verdict, vm_calls::mprotect(c.value(), kPageSize, kProtectRead | kProtectWrite).error() == Error::AccessDenied);
    const auto three = vm_calls::getref(ProcessId{}, b.value());
    SHOAL_EXPECT(verdict, three.ok() && three.value().references == 3);
    SHOAL_EXPECT(verdict, vm_calls::munmap(a, kPages * kPageSize).ok());
    SHOAL_EXPECT(verdict, vm_calls::shm_unmap(ProcessId{}, c.value()).ok());
    const auto one = vm_calls::getref(ProcessId{}, b.value());
    SHOAL_EXPECT(verdict, one.ok() && one.value().references == 1 && one.value().identity == three.value().identity);
    for (uint64_t i = 0; i < kPages; ++i) SHOAL_EXPECT(verdict, *word(b.value(), i) == i + 1);
    SHOAL_EXPECT(verdict, vm_calls::shm_unmap(ProcessId{}, b.value()).ok());
    SHOAL_EXPECT(verdict, vm_calls::getref(ProcessId{}, b.value()).error() == Error::BadAddress);
}

void keep_blocks(Verdict& verdict) {
    const VirtualAddress a = map(MAP_PRIVATE);
    for (uint64_t i = 0; i < kPages; ++i) *word(a, i) = 100 + i;
    SHOAL_EXPECT(verdict, vm_calls::setcachepage(a, kCacheDevice, 7 * kPageSize, 5, 0, kPages).ok());
    SHOAL_EXPECT(verdict, vm_calls::munmap(a, kPages * kPageSize).ok());
    const Result<VirtualAddress> b = vm_calls::mapcachepage(kCacheDevice, 7 * kPageSize, 5, 0, kPages);
    if (!b.ok()) return verdict.fail("what is cached cannot be mapped: %s", error_text(b.error()));
    for (uint64_t i = 0; i < kPages; ++i) SHOAL_EXPECT(verdict, *word(b.value(), i) == 100 + i);
    const Result<VirtualAddress> c = vm_calls::mapcachepage(kCacheDevice, 10 * kPageSize, 0, 0, 2);
    SHOAL_EXPECT(verdict, c.ok() && (*word(c.value(), 1) = 7, *word(b.value(), 4) == 7));
    SHOAL_EXPECT(verdict, vm_calls::forgetcachepage(kCacheDevice, 8 * kPageSize, 3).ok());
    SHOAL_EXPECT(verdict, vm_calls::mapcachepage(kCacheDevice, 8 * kPageSize, 0, 0, 1).error() == Error::NoEntry);
    SHOAL_EXPECT(verdict, vm_calls::clearcache(kCacheDevice).ok());
    SHOAL_EXPECT(verdict, vm_calls::mapcachepage(kCacheDevice, 7 * kPageSize, 0, 0, 1).error() == Error::NoEntry);
    SHOAL_EXPECT(verdict, *word(b.value(), 0) == 100);
    SHOAL_EXPECT(verdict, vm_calls::munmap(b.value(), kPages * kPageSize).ok());
    SHOAL_EXPECT(verdict, !c.ok() || vm_calls::munmap(c.value(), 2 * kPageSize).ok());
}

}  // namespace
}  // namespace shoal::test

int main(int argument_count, char** arguments) {
    if (argument_count > 1 && strcmp(arguments[1], "owner") == 0) return shoal::test::be_lent();
    if (argument_count > 1) return shoal::test::map_files();
    shoal::test::Verdict verdict("fileserver");
    shoal::test::give_shared_memory(verdict);
    shoal::test::keep_blocks(verdict);
    shoal::test::serve_files(verdict);
    shoal::test::lend_others_memory(verdict);
    return verdict.finish();
}
