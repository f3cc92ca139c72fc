// Task state and global descriptors as the CPU reads them (SDM vol. 3A, 3.4.5 and 8.7).
#pragma once

#include <cstdint>

#include "kernel/smp/x86/segments.hpp"

namespace shoal::smp {

struct [[gnu::packed]] TaskState {
    uint32_t reserved0;
    uint64_t stack_of_ring[3];
    uint64_t reserved1;
    uint64_t interrupt_stack[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_permission_offset;  // at or beyond the limit: no port is open to users
};
static_assert(sizeof(TaskState) == 104);

// What LGDT and LIDT read.
struct [[gnu::packed]] TableRegister {
    uint16_t limit;
    uint64_t base;
};

struct GlobalDescriptors {
    // Accessed bits are set in advance, so that loading a selector writes nothing.
    uint64_t null = 0;
    uint64_t kernel_code = 0x00af'9b00'0000'ffff;
    uint64_t kernel_data = 0x00cf'9300'0000'ffff;
    uint64_t user_data = 0x00cf'f300'0000'ffff;
    uint64_t user_code = 0x00af'fb00'0000'ffff;
    uint64_t task_state_low = 0, task_state_high = 0;

    void set_task_state(uint64_t base) {
        constexpr uint64_t kAvailableTask = 0x89;
        task_state_low = (sizeof(TaskState) - 1) | (base & 0xff'ffff) << 16 | kAvailableTask << 40 |
                         (base >> 24 & 0xff) << 56;
        task_state_high = base >> 32;
    }
};
static_assert(sizeof(GlobalDescriptors) == SHOAL_TASK_STATE + 16);

}  // namespace shoal::smp
