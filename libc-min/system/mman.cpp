// POSIX memory mapping over the VM calls; the constants agree (abi/memory.hpp).
#include "libc-min/include/sys/mman.h"

#include "abi/memory.hpp"
#include "abi/vm_call_stubs.hpp"
#include "libc-min/system/outcome.hpp"

using shoal::Result;
using shoal::VirtualAddress;
using shoal::libc::to_status;
namespace vm_calls = shoal::vm_calls;

static_assert(PROT_READ == shoal::kProtectRead && PROT_WRITE == shoal::kProtectWrite);
static_assert(MAP_FIXED == shoal::kMapFixed && MAP_ANONYMOUS == shoal::kMapAnonymous);
static_assert(MADV_DONTNEED == shoal::kAdviseDontNeed);

namespace {

VirtualAddress address_of(void* address) {
    return VirtualAddress{reinterpret_cast<uint64_t>(address)};
}

// POSIX calls a hole in the range a lack of memory; VM says what it is.
int to_range_status(const Result<void>& result) {
    const int status = to_status(result);
    if (status != 0 && errno == EFAULT) errno = ENOMEM;
    return status;
}

}  // namespace

SHOAL_C_BEGIN

void* mmap(void* address, size_t bytes, int protection, int flags, int file, off_t offset) {
    const auto protected_as = static_cast<uint64_t>(protection), how = static_cast<uint64_t>(flags);
    Result<VirtualAddress> start =
        (flags & MAP_ANONYMOUS) != 0
            ? vm_calls::mmap(address_of(address), bytes, protected_as, how)
            : vm_calls::mmap_file(address_of(address), bytes, protected_as, how, static_cast<uint64_t>(file), static_cast<uint64_t>(offset));
    return to_status(start) == 0 ? reinterpret_cast<void*>(start->raw()) : MAP_FAILED;
}

int munmap(void* address, size_t bytes) {
    return to_status(vm_calls::munmap(address_of(address), bytes));
}

int mprotect(void* address, size_t bytes, int protection) {
    return to_range_status(
        vm_calls::mprotect(address_of(address), bytes, static_cast<uint64_t>(protection)));
}

int madvise(void* address, size_t bytes, int advice) {
    if (advice == MADV_NORMAL || advice == MADV_NOHUGEPAGE) return 0;
    return to_range_status(
        vm_calls::madvise(address_of(address), bytes, static_cast<uint64_t>(advice)));
}

SHOAL_C_END
