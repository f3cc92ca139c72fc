// Instructions without a C++ name: ports, time stamp, fences, pauses.
#pragma once

#include <cstdint>

namespace shoal::smp::x86 {

inline void out8(uint16_t port, uint8_t value) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
inline uint8_t in8(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}
inline uint32_t in32(uint16_t port) {
    uint32_t value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

inline void out16(uint16_t port, uint16_t value) {
    asm volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
inline void out32(uint16_t port, uint32_t value) {
    asm volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
inline uint16_t in16(uint16_t port) {
    uint16_t value;
    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

// The time stamp counter, not read before earlier loads have their values (SDM vol. 2B, RDTSC).
inline uint64_t read_tsc() {
    uint32_t low, high;
    asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return uint64_t{high} << 32 | low;
}

// Orders earlier stores, of any memory type, before a later MSR write that is not serialising (SDM vol. 3A, 11.12.3).
inline void fence_before_msr() {
    asm volatile("mfence; lfence" : : : "memory");
}
inline void pause() {
    asm volatile("pause" : : : "memory");
}
inline void invalidate_page(uint64_t address) {
    asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}
[[noreturn]] inline void halt_forever() {
    for (;;) asm volatile("cli; hlt" : : : "memory");
}

}  // namespace shoal::smp::x86
