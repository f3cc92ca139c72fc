#include "abi/vm_call_stubs.hpp"
#include "libc-min/include/unistd.h"
#include "libc-min/system/outcome.hpp"
#include "libc-min/thread/lock_word.hpp"

using shoal::Result;
using shoal::VirtualAddress;

namespace {

// brk sets an absolute end, so that two threads that move it by a distance must take turns.
constinit shoal::libc::Lock break_lock;

Result<VirtualAddress> move_break(intptr_t increment) {
    shoal::libc::LockGuard guard(break_lock);
    const VirtualAddress old = TRY(shoal::vm_calls::brk(VirtualAddress{0}));
    if (increment != 0)
        (void)TRY(shoal::vm_calls::brk(old + static_cast<uint64_t>(increment)));
    return old;
}

}  // namespace

SHOAL_C_BEGIN

int brk(void* end) {
    return shoal::libc::to_status(
        shoal::vm_calls::brk(VirtualAddress{reinterpret_cast<uint64_t>(end)}));
}

void* sbrk(intptr_t increment) {
    const Result<VirtualAddress> old = move_break(increment);
    return reinterpret_cast<void*>(shoal::libc::to_status(old) == 0 ? old.value().raw() : ~uint64_t{0});
}

SHOAL_C_END
