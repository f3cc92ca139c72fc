// The CPUID instruction (SDM vol. 2A, CPUID).
#pragma once

#include <cstdint>

namespace shoal::smp::x86 {

struct CpuidResult {
    uint32_t eax, ebx, ecx, edx;
};

inline CpuidResult cpuid(uint32_t leaf, uint32_t subleaf = 0) {
    CpuidResult r;
    asm volatile("cpuid"
                 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                 : "a"(leaf), "c"(subleaf));
    return r;
}

// True if the leaf exists. base: 0 for the standard leaves, 0x8000'0000 or 0x4000'0000 for the others.
inline bool has_leaf(uint32_t leaf, uint32_t base = 0) {
    return cpuid(base).eax >= leaf;
}

}  // namespace shoal::smp::x86
