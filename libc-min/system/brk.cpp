#include "abi/vm_call_stubs.hpp"
#include "libc-min/include/unistd.h"
#include "libc-min/system/outcome.hpp"
#include "libc-min/thread/lock_word.hpp"

using shoal::Result;
using shoal::VirtualAddress;

namespace {

// brk sets an absolute end, so that two threads that move it by a distance must take turns.
constinit shoal::libc::Lock break_lock;
constinit VirtualAddress current_break{0};  // 0: not known yet

Result<VirtualAddress> set_break(VirtualAddress end) {
    current_break = TRY(shoal::vm_calls::brk(end));
    return current_break;
}

Result<VirtualAddress> move_break(intptr_t increment) {
    shoal::libc::LockGuard guard(break_lock);
    if (current_break.raw() == 0) TRY(set_break(VirtualAddress{0}));
    const VirtualAddress old = current_break;
    if (increment != 0) TRY(set_break(old + static_cast<uint64_t>(increment)));
    return old;
}

}  // namespace

SHOAL_C_BEGIN

int brk(void* end) {
    shoal::libc::LockGuard guard(break_lock);
    return shoal::libc::to_status(set_break(VirtualAddress{reinterpret_cast<uint64_t>(end)}));
}

void* sbrk(intptr_t increment) {
    const Result<VirtualAddress> old = move_break(increment);
    return reinterpret_cast<void*>(shoal::libc::to_status(old) == 0 ? old.value().raw() : ~uint64_t{0});
}

SHOAL_C_END
