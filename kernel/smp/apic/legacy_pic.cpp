#include "kernel/smp/apic/legacy_pic.hpp"

#include "kernel/smp/apic/vectors.hpp"
#include "kernel/smp/x86/instructions.hpp"

namespace shoal::smp {

// The initialisation words of the 8259A data sheet.
void silence_legacy_pic() {
    constexpr uint16_t kFirst = 0x20, kSecond = 0xa0;
    constexpr uint8_t kInitialise = 0x11, k8086Mode = 1, kCascadeLine = 2, kAll = 0xff;
    x86::out8(kFirst, kInitialise);
    x86::out8(kSecond, kInitialise);
    x86::out8(kFirst + 1, kFirst8259Vector);
    x86::out8(kSecond + 1, kFirst8259Vector + 8);
    x86::out8(kFirst + 1, 1 << kCascadeLine);
    x86::out8(kSecond + 1, kCascadeLine);
    x86::out8(kFirst + 1, k8086Mode);
    x86::out8(kSecond + 1, k8086Mode);
    x86::out8(kFirst + 1, kAll);
    x86::out8(kSecond + 1, kAll);
}

}  // namespace shoal::smp
