// Control registers (SDM vol. 3A, 2.5) and XCR0 (2.6).
#pragma once

#include <cstdint>

namespace shoal::smp::x86 {

namespace cr0 {
inline constexpr uint64_t kProtected = 1 << 0, kMonitorCoprocessor = 1 << 1, kEmulation = 1 << 2,
                          kTaskSwitched = 1 << 3, kExtensionType = 1 << 4, kNumericError = 1 << 5,
                          kWriteProtect = 1 << 16, kAlignmentMask = 1 << 18,
                          kNotWriteThrough = 1 << 29, kCacheDisable = 1 << 30,
                          kPaging = uint64_t{1} << 31;
}
namespace cr4 {
inline constexpr uint64_t kDebugExtensions = 1 << 3, kPhysicalExtension = 1 << 5,
                          kMachineCheck = 1 << 6, kGlobalPages = 1 << 7, kFxsave = 1 << 9,
                          kSimdExceptions = 1 << 10, kUmip = 1 << 11, kFsGsBase = 1 << 16,
                          kPcid = 1 << 17, kXsave = 1 << 18, kSmep = 1 << 20, kSmap = 1 << 21;
}
namespace flags {
inline constexpr uint64_t kAlwaysSet = 1 << 1, kTrap = 1 << 8, kInterrupt = 1 << 9,
                          kDirection = 1 << 10, kIoPrivilege = 3 << 12, kNestedTask = 1 << 14,
                          kResume = 1 << 16, kAlignmentCheck = 1 << 18;
}

#define SHOAL_CONTROL_REGISTER(name)                                       \
    inline uint64_t read_##name() {                                        \
        uint64_t value;                                                    \
        asm volatile("mov %%" #name ", %0" : "=r"(value) : : "memory");    \
        return value;                                                      \
    }                                                                      \
    inline void write_##name(uint64_t value) {                             \
        asm volatile("mov %0, %%" #name : : "r"(value) : "memory");        \
    }
SHOAL_CONTROL_REGISTER(cr0)
SHOAL_CONTROL_REGISTER(cr2)
SHOAL_CONTROL_REGISTER(cr3)
SHOAL_CONTROL_REGISTER(cr4)
#undef SHOAL_CONTROL_REGISTER

inline uint64_t read_xcr0() {
    uint32_t low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return uint64_t{high} << 32 | low;
}
inline void write_xcr0(uint64_t value) {
    asm volatile("xsetbv"
                 :
                 : "c"(0), "a"(static_cast<uint32_t>(value)),
                   "d"(static_cast<uint32_t>(value >> 32)));
}

}  // namespace shoal::smp::x86
