// FPU state of threads, switched eagerly: XSAVE with all that XCR0 enables, or FXSAVE (SDM vol. 1, 13 and 10.5).
#include <cstdint>
#include <cstring>

#include "base/assert.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/smp/features/features.hpp"
#include "kernel/smp/x86/cpuid.hpp"

namespace shoal::kernel::machine {
namespace {

constexpr uint64_t kFxsaveBytes = 512, kAlignment = 64;
constexpr uint16_t kInitialControlWord = 0x37f;
constexpr uint32_t kInitialMxcsr = 0x1f80;
constexpr size_t kMxcsrOffset = 24;

bool aligned(const void* state) {
    return reinterpret_cast<uint64_t>(state) % kAlignment == 0;
}

}  // namespace

// Valid once XCR0 is set: CPUID leaf 0Dh then gives the size of what is enabled.
uint64_t fpu_state_bytes() {
    return smp::features().used().xsave ? smp::x86::cpuid(0xd, 0).ebx : kFxsaveBytes;
}

// An all-zero header makes XRSTOR put every component into its initial state; MXCSR is loaded from the area even then.
void fpu_init(void* state) {
    SHOAL_ASSERT(aligned(state));
    std::memset(state, 0, fpu_state_bytes());
    std::memcpy(state, &kInitialControlWord, sizeof(kInitialControlWord));
    std::memcpy(static_cast<char*>(state) + kMxcsrOffset, &kInitialMxcsr, sizeof(kInitialMxcsr));
}

void fpu_save(void* state) {
    SHOAL_ASSERT(aligned(state));
    const uint64_t mask = smp::features().xcr0();
    if (mask != 0)
        asm volatile("xsave64 (%0)"
                     :
                     : "r"(state), "a"(static_cast<uint32_t>(mask)),
                       "d"(static_cast<uint32_t>(mask >> 32))
                     : "memory");
    else
        asm volatile("fxsave64 (%0)" : : "r"(state) : "memory");
}

void fpu_exchange(void* saved, const void* restored) {
    const uint64_t mask = smp::features().xcr0();
    const auto low = static_cast<uint32_t>(mask), high = static_cast<uint32_t>(mask >> 32);
    if (mask != 0)
        asm volatile("xsave64 (%0); xrstor64 (%1)" : : "r"(saved), "r"(restored), "a"(low), "d"(high) : "memory");
    else
        asm volatile("fxsave64 (%0); fxrstor64 (%1)" : : "r"(saved), "r"(restored) : "memory");
}

void fpu_restore(const void* state) {
    SHOAL_ASSERT(aligned(state));
    const uint64_t mask = smp::features().xcr0();
    if (mask != 0)
        asm volatile("xrstor64 (%0)"
                     :
                     : "r"(state), "a"(static_cast<uint32_t>(mask)),
                       "d"(static_cast<uint32_t>(mask >> 32))
                     : "memory");
    else
        asm volatile("fxrstor64 (%0)" : : "r"(state) : "memory");
}

}  // namespace shoal::kernel::machine
