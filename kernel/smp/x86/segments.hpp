// Segment selectors, in the order that SYSCALL and SYSRET prescribe (SDM vol. 2B): kernel code, kernel data; user data, user
// code. Known to entry.S and trampoline.S as well.
#pragma once

#define SHOAL_KERNEL_CODE 0x08
#define SHOAL_KERNEL_DATA 0x10
#define SHOAL_USER_DATA 0x1b
#define SHOAL_USER_CODE 0x23
#define SHOAL_TASK_STATE 0x28

#ifndef __ASSEMBLER__
#include <cstdint>

namespace shoal::smp::x86 {

inline constexpr uint16_t kKernelCode = SHOAL_KERNEL_CODE, kKernelData = SHOAL_KERNEL_DATA,
                          kUserData = SHOAL_USER_DATA, kUserCode = SHOAL_USER_CODE,
                          kTaskStateSelector = SHOAL_TASK_STATE;

// SYSRET takes CS = base + 16 and SS = base + 8; the base carries RPL 3, since some CPUs do not set it themselves.
inline constexpr uint64_t kStar = uint64_t{kKernelCode} << 32 | uint64_t{kKernelData | 3} << 48;

}  // namespace shoal::smp::x86
#endif
