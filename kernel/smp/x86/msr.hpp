// Model-specific registers that the kernel uses (SDM vol. 4, chapter 2).
#pragma once

#include <cstdint>

namespace shoal::smp::x86 {

enum class Msr : uint32_t {
    ApicBase = 0x1b,
    TscAdjust = 0x3b,
    MachineCheckCapabilities = 0x179,
    MachineCheckStatus0 = 0x401,  // bank n at + 4 n
    Pat = 0x277,
    TscDeadline = 0x6e0,
    X2ApicBase = 0x800,  // register at MMIO offset r: 0x800 + r / 16
    Efer = 0xc000'0080,
    Star = 0xc000'0081,
    Lstar = 0xc000'0082,
    Fmask = 0xc000'0084,
    FsBase = 0xc000'0100,
    TscAux = 0xc000'0103,
};

inline uint64_t read_msr(Msr msr) {
    uint32_t low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return uint64_t{high} << 32 | low;
}

inline void write_msr(Msr msr, uint64_t value) {
    asm volatile("wrmsr"
                 :
                 : "c"(msr), "a"(static_cast<uint32_t>(value)),
                   "d"(static_cast<uint32_t>(value >> 32))
                 : "memory");
}

inline constexpr uint64_t kApicBaseBootCpu = 1 << 8;
inline constexpr uint64_t kApicBaseX2 = 1 << 10;
inline constexpr uint64_t kApicBaseEnable = 1 << 11;

inline constexpr uint64_t kEferSyscall = 1 << 0;
inline constexpr uint64_t kEferLongMode = 1 << 8;
inline constexpr uint64_t kEferLongModeActive = 1 << 10;
inline constexpr uint64_t kEferNoExecute = 1 << 11;

}  // namespace shoal::smp::x86
