// What VM says that the calling process uses.
#pragma once

#include "abi/memory.hpp"
#include "abi/vm_call_stubs.hpp"

namespace shoal::test {

inline VmUsage own_usage() {
    VmUsage usage{};
    (void)vm_calls::info(kInfoUsage, {}, VirtualAddress{reinterpret_cast<uint64_t>(&usage)}, sizeof usage, {});
    return usage;
}

}  // namespace shoal::test
