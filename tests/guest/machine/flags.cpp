// AC, DF, NT and ID across SYSCALL and INT 0x80. Where the kernel ran with them AC would lift SMAP, DF would turn its string moves
// round, and NT would make its IRET fault.
#include <cstdint>
#include <initializer_list>

#include "abi/trap.hpp"
#include "base/error.hpp"
#include "tests/guest/machine/probes.hpp"

namespace shoal::test {
namespace {

constexpr uint64_t kDirection = 1 << 10, kNestedTask = 1 << 14, kAlignmentCheck = 1 << 18, kIdentification = 1 << 21;
constexpr uint64_t kNoTrap = 0;  // a number without a meaning: the kernel refuses it

struct After {
    int64_t result;
    uint64_t flags;
};

// The flags are the program's own only between the two POPFs: compiled code counts on DF = 0. It may keep locals in the 128
// bytes below the stack pointer, which the pushes must spare.
#define SHOAL_TRAP_WITH_FLAGS(instruction)                                                                     \
    After after{static_cast<int64_t>(kNoTrap), 0};                                                             \
    asm volatile(                                                                                              \
        "leaq -128(%%rsp), %%rsp\n\tpushq %[flags]\n\tpopfq\n\t" instruction                                   \
        "\n\tpushfq\n\tpopq %[flags]\n\tpushq $0x202\n\tpopfq\n\tleaq 128(%%rsp), %%rsp"                        \
        : "+a"(after.result), [flags] "+b"(flags)                                                              \
        :                                                                                                      \
        : "rcx", "r11", "rdi", "rsi", "rdx", "r8", "r9", "r10", "r12", "r13", "r14", "cc", "memory");           \
    after.flags = flags;                                                                                       \
    return after

After system_call_with(uint64_t flags) { SHOAL_TRAP_WITH_FLAGS("syscall"); }
After interrupt_with(uint64_t flags) { SHOAL_TRAP_WITH_FLAGS("int $0x80"); }

}  // namespace

void test_flags(Verdict& verdict) {
    constexpr uint64_t kAlways = 0x202;
    const int64_t refused = system_call_with(kAlways).result;
    SHOAL_EXPECT(verdict, refused < 0);
    for (const uint64_t flag : {kDirection, kNestedTask, kAlignmentCheck, kIdentification,
                                kDirection | kNestedTask | kAlignmentCheck | kIdentification}) {
        for (const After& after : {system_call_with(kAlways | flag), interrupt_with(kAlways | flag)}) {
            SHOAL_EXPECT(verdict, after.result == refused);
            if ((after.flags & flag) != flag) verdict.fail("flags %lx came back as %lx", flag, after.flags);
        }
    }
}

}  // namespace shoal::test
