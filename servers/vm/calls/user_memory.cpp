#include "servers/vm/calls/user_memory.hpp"

#include "base/memory/memory.h"
#include "servers/vm/fault/touch_page.hpp"

namespace shoal::vm {

namespace {

// Calls use(void*) with the address's bytes in the window, under the leaf's lock.
template <typename Use>
Error with_page(WorkerContext& context, Space& space, VirtualAddress address, Access needed, Waiter waiter,
                Use use) {
    for (;;) {
        const Touched touched = touch_page(context, space, address, needed, Toucher::Vm, waiter);
        if (touched.outcome == Touch::Parked) return waiter.anybody() ? Error::DoNotReply : Error::Again;
        if (touched.outcome == Touch::NoMemory) return Error::NoMemory;
        if (touched.outcome == Touch::Unreadable) return Error::InputOutput;
        if (!touched.usable()) return Error::BadAddress;
        Guard guard(context.locks(), touched.leaf->lock);
        const PageEntry entry = touched.leaf->table().get(page_in_leaf(address));
        // It may have been unmapped again before we had the lock.
        if (!entry.held() || !entry.access().allows(needed)) continue;
        if (entry.device()) return Error::BadAddress;
        use(window_pointer(entry.frame().address() + address.page_offset()));
        return Error::None;
    }
}

template <typename Use>
Error with_pages(WorkerContext& context, Space& space, VirtualAddress address, uint64_t bytes, Access needed,
                 Waiter waiter, Use use) {
    if (!UserPointer<char>{address.raw()}.plausible(bytes)) return Error::BadAddress;
    for (uint64_t done = 0; done < bytes;) {
        const VirtualAddress at = address + done;
        const uint64_t room = kPageSize - at.page_offset();
        const uint64_t piece = bytes - done < room ? bytes - done : room;
        const Error error =
            with_page(context, space, at, needed, waiter, [&](void* page) { use(page, done, piece); });
        if (error != Error::None) return error;
        done += piece;
    }
    return Error::None;
}

Error copy_in(WorkerContext& context, Space& space, const void* from, VirtualAddress to, uint64_t bytes, Access needed,
              Waiter waiter) {
    return with_pages(context, space, to, bytes, needed, waiter, [&](void* page, uint64_t at, uint64_t piece) {
        __builtin_memcpy(page, static_cast<const char*>(from) + at, piece);
    });
}

}  // namespace

Error copy_from_user(WorkerContext& context, Space& space, VirtualAddress from, void* to, uint64_t bytes,
                     Waiter waiter) {
    return with_pages(context, space, from, bytes, Access::read(), waiter,
                      [&](void* page, uint64_t at, uint64_t piece) {
                          __builtin_memcpy(static_cast<char*>(to) + at, page, piece);
                      });
}

Error copy_to_user(WorkerContext& context, Space& space, const void* from, VirtualAddress to, uint64_t bytes,
                   Waiter waiter) {
    return copy_in(context, space, from, to, bytes, Access::read_write(), waiter);
}

Error fill_image(WorkerContext& context, Space& space, const void* from, VirtualAddress to, uint64_t bytes,
                 Waiter waiter) {
    return copy_in(context, space, from, to, bytes, Access::none(), waiter);
}

}  // namespace shoal::vm
