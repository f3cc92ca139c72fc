// Registers that the kernel must give back as they were: all of them at a page fault, RBX, RBP and R15 at a trap.
#include <sys/mman.h>

#include <cstdint>

#include "base/address.hpp"
#include "tests/guest/machine/probes.hpp"

namespace shoal::test {
namespace {

constexpr unsigned kCompared = 14;  // all but RSP and RDI, which points to the result
constexpr uint64_t kPages = 64;

struct Seen {
    uint64_t registers[kCompared];
};

// Each register gets its number times a pattern; the store faults; then what they hold is written down.
[[gnu::naked]] void fault_with_full_registers(Seen*, volatile uint64_t*) {
    asm volatile(
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"
        "mov $0x0101010101010101, %rax; mov $0x0303030303030303, %rbx; mov $0x0404040404040404, %rcx\n\t"
        "mov $0x0505050505050505, %rdx; mov $0x0606060606060606, %rbp; mov $0x0707070707070707, %r8\n\t"
        "mov $0x0808080808080808, %r9; mov $0x0909090909090909, %r10; mov $0x0a0a0a0a0a0a0a0a, %r11\n\t"
        "mov $0x0b0b0b0b0b0b0b0b, %r12; mov $0x0c0c0c0c0c0c0c0c, %r13; mov $0x0d0d0d0d0d0d0d0d, %r14\n\t"
        "mov $0x0e0e0e0e0e0e0e0e, %r15\n\t"
        "movq $1, (%rsi)\n\t"
        "mov %rax, (%rdi); mov %rsi, 8(%rdi); mov %rbx, 16(%rdi); mov %rcx, 24(%rdi); mov %rdx, 32(%rdi)\n\t"
        "mov %rbp, 40(%rdi); mov %r8, 48(%rdi); mov %r9, 56(%rdi); mov %r10, 64(%rdi); mov %r11, 72(%rdi)\n\t"
        "mov %r12, 80(%rdi); mov %r13, 88(%rdi); mov %r14, 96(%rdi); mov %r15, 104(%rdi)\n\t"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
        "ret");
}

void expect_unchanged(Verdict& verdict, const Seen& seen, uint64_t second) {
    for (unsigned i = 0; i < kCompared; ++i) {
        const uint64_t expected = i == 1 ? second : 0x0101010101010101 * (i == 0 ? 1 : i + 1);
        if (seen.registers[i] != expected)
            verdict.fail("register %u is %lx after a page fault, not %lx", i, seen.registers[i], expected);
    }
}

void test_page_faults(Verdict& verdict) {
    auto* pages = static_cast<char*>(
        mmap(nullptr, kPages * kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (uint64_t page = 0; page < kPages; ++page) {
        Seen seen{};
        auto* const touched = reinterpret_cast<volatile uint64_t*>(pages + page * kPageSize);
        fault_with_full_registers(&seen, touched);
        expect_unchanged(verdict, seen, reinterpret_cast<uint64_t>(touched));
        SHOAL_EXPECT(verdict, *touched == 1);
    }
    munmap(pages, kPages * kPageSize);
}

// Long enough for the timer's and other CPUs' interrupts to come in between.
void test_interrupts(Verdict& verdict) {
    constexpr uint64_t kPattern = 0x5a5a'1234'a5a5'4321, kTurns = 30'000'000;
    uint64_t a = kPattern, b = ~kPattern, turns = kTurns;
    asm volatile("1: dec %[turns]; jnz 1b" : "+r"(a), "+r"(b), [turns] "+r"(turns) : : "cc");
    SHOAL_EXPECT(verdict, a == kPattern && b == ~kPattern && turns == 0);
}

}  // namespace

void test_registers(Verdict& verdict) {
    test_page_faults(verdict);
    test_interrupts(verdict);
}

}  // namespace shoal::test
