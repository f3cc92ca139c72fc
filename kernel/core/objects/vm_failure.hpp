// The end of the system because VM did what cannot be served.
#pragma once

#include "base/address.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

// No page fault could be served any more: all that is known of the worker's failure, and stop. what: in words.
[[noreturn, gnu::cold, gnu::noinline]] void stop_for_vm_failure(const Thread& worker, const char* what, VirtualAddress address, uint64_t error_code);

}  // namespace shoal::kernel
