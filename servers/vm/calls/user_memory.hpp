// Bytes to and from a process' memory, through VM's window: absent pages are made resident, rights are checked, and the copy
// is done under the leaf's lock, so that the frame cannot go meanwhile. VM itself never faults.
#pragma once

#include "servers/vm/requests/waiter.hpp"

namespace shoal::vm {

// Errors: BadAddress (a device's memory, too: VM does not see it), NoMemory, InputOutput (of a file's page); DoNotReply: the waiter was put aside and
// goes on later (nothing is lost, since such a caller copies before its first effect or as its last); Again: nobody waits, try again later.
Error copy_from_user(WorkerContext& context, Space& space, VirtualAddress from, void* to, uint64_t bytes, Waiter waiter);
Error copy_to_user(WorkerContext& context, Space& space, const void* from, VirtualAddress to, uint64_t bytes, Waiter waiter);
// Into pages whatever their access: an image's, its text included.
Error fill_image(WorkerContext& context, Space& space, const void* from, VirtualAddress to, uint64_t bytes, Waiter waiter);

}  // namespace shoal::vm
