#include "libc-min/system/kernel_facts.hpp"

#include "abi/kernel_call_stubs.hpp"

namespace shoal {

KernelInfo kernel_facts() {
    KernelInfo info{};
    (void)kernel_calls::info(VirtualAddress{reinterpret_cast<uint64_t>(&info)}, sizeof info);
    return info;
}

}  // namespace shoal
