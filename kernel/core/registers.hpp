// A thread's user registers as the entry code saves them. The order is known to kernel/smp's assembly.
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi/message.hpp"

namespace shoal::kernel {

// Its end is the thread's TSS.RSP0, which the CPU aligns down to 16 bytes before it pushes: hence the alignment.
struct alignas(16) Registers {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector;  // of the exception or interrupt; kEnteredBySyscall otherwise
    uint64_t error;   // pushed by the CPU or 0
    uint64_t rip, cs, rflags, rsp, ss;  // as an interrupt pushes them (SDM vol. 3A, 6.14)

    // What cs, ss and rflags of every thread hold; kernel/smp's GDT has the selectors in this order for SYSRET.
    static constexpr uint64_t kUserCode = 0x23, kUserData = 0x1b;
    static constexpr uint64_t kUserFlags = 0x202;  // interrupts on; bit 1 always
    static constexpr uint64_t kEnteredBySyscall = ~uint64_t{0};
    [[nodiscard]] bool entered_by_syscall() const { return vector == kEnteredBySyscall; }

    [[nodiscard]] Message message() const { return {{rsi, rdx, r8, r9, r10, r12, r13, r14}}; }
    void set_message(const Message& m) {
        rsi = m.words[0], rdx = m.words[1], r8 = m.words[2], r9 = m.words[3];
        r10 = m.words[4], r12 = m.words[5], r13 = m.words[6], r14 = m.words[7];
    }
};
static_assert(sizeof(Registers) == 22 * 8);
static_assert(offsetof(Registers, rip) == 17 * 8);

}  // namespace shoal::kernel
