#include "kernel/smp/entry/interrupt_table.hpp"

#include "kernel/smp/apic/vectors.hpp"
#include "kernel/smp/local/area.hpp"
#include "kernel/smp/memory/direct_map.hpp"

extern "C" const char entry_stubs[];  // entry.S: 16 bytes for each vector

namespace shoal::smp {
namespace {

// SDM vol. 3A, 6.14.1.
struct Gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t stack;  // number of an interrupt stack; 0: RSP0, or the stack in use
    uint8_t kind;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};
static_assert(sizeof(Gate) == 16);

constexpr uint8_t kInterruptGate = 0x8e;  // present, clears IF
constexpr uint8_t kUserMayCall = 3 << 5;
constexpr unsigned kBreakpoint = 3;
constexpr uint64_t kStubBytes = 16, kVectors = 256;

alignas(kPageSize) constinit Gate gates[kVectors] = {};
static_assert(sizeof(gates) == kPageSize, "the table fills its frame: nothing else is shown");

uint8_t stack_of(unsigned vector) {
    switch (vector) {
        case 1: return SHOAL_STACK_OF_DEBUG;
        case 2: return SHOAL_STACK_OF_NMI;
        case 8: return SHOAL_STACK_OF_DOUBLE_FAULT;
        case 18: return SHOAL_STACK_OF_MACHINE_CHECK;
        default: return 0;
    }
}

}  // namespace

void make_interrupt_table() {
    for (unsigned vector = 0; vector < kVectors; ++vector) {
        const uint64_t stub = reinterpret_cast<uint64_t>(entry_stubs) + vector * kStubBytes;
        const bool callable = vector == kBreakpoint || vector == kTrapVector;
        gates[vector] = {.offset_low = static_cast<uint16_t>(stub),
                         .selector = x86::kKernelCode,
                         .stack = stack_of(vector),
                         .kind = static_cast<uint8_t>(kInterruptGate | (callable ? kUserMayCall : 0)),
                         .offset_middle = static_cast<uint16_t>(stub >> 16),
                         .offset_high = static_cast<uint32_t>(stub >> 32),
                         .reserved = 0};
    }
}

PhysicalAddress interrupt_table_frame() {
    return memory::physical_of_image(gates);
}

void load_descriptor_tables() {
    const TableRegister global{sizeof(GlobalDescriptors) - 1,
                               SHOAL_LOCAL_PAGE + offsetof(CpuLocal, descriptors)};
    const TableRegister interrupts{kPageSize - 1, SHOAL_DESCRIPTORS_PAGE};
    asm volatile(
        "lgdt %[global]\n\t"
        "pushq %[code]\n\t"
        "leaq 1f(%%rip), %%rax\n\t"
        "pushq %%rax\n\t"
        "lretq\n"
        "1:\n\t"
        "movl %[data], %%eax\n\t"
        "movl %%eax, %%ss\n\t"
        "xorl %%eax, %%eax\n\t"
        "movl %%eax, %%ds\n\t"
        "movl %%eax, %%es\n\t"
        "movl %%eax, %%fs\n\t"
        "movl %%eax, %%gs\n\t"
        "lldt %%ax\n\t"
        "lidt %[interrupts]\n\t"
        "ltr %[task]"
        :
        : [global] "m"(global), [interrupts] "m"(interrupts), [code] "i"(x86::kKernelCode),
          [data] "i"(x86::kKernelData), [task] "r"(x86::kTaskStateSelector)
        : "rax", "memory");
}

}  // namespace shoal::smp
