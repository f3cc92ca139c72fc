#include "kernel/smp/entry/exception_report.hpp"

#include "kernel/smp/console/console.hpp"
#include "kernel/smp/local/cpu_local.hpp"
#include "kernel/smp/panic/panic.hpp"
#include "kernel/smp/x86/control.hpp"
#include "kernel/smp/x86/msr.hpp"

namespace shoal::smp {
namespace {

constexpr uint64_t kPageFault = 14, kDoubleFault = 8, kMachineCheck = 18;
constexpr uint64_t kBankValid = uint64_t{1} << 63;

const char* exception_name(uint64_t vector) {
    static constexpr const char* kNames[] = {
        "#DE divide", "#DB debug", "NMI", "#BP breakpoint", "#OF overflow", "#BR bounds",
        "#UD undefined instruction", "#NM no FPU", "#DF double fault", "coprocessor overrun",
        "#TS task state", "#NP segment", "#SS stack", "#GP general protection", "#PF page fault",
        "reserved", "#MF x87", "#AC alignment", "#MC machine check", "#XM SIMD",
        "#VE virtualization", "#CP control protection"};
    if (vector < sizeof(kNames) / sizeof(kNames[0])) return kNames[vector];
    return vector < 32 ? "reserved exception" : "interrupt with interrupts off";
}

void print_registers(const kernel::Registers& r) {
    console::print("rip %016lx cs %02lx rflags %06lx rsp %016lx ss %02lx cr2 %016lx cr3 %016lx\n",
                   r.rip, r.cs, r.rflags, r.rsp, r.ss, x86::read_cr2(), x86::read_cr3());
    console::print("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r.rax, r.rbx, r.rcx, r.rdx);
    console::print("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", r.rsi, r.rdi, r.rbp, r.r8);
    console::print("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", r.r9, r.r10, r.r11, r.r12);
    console::print("r13 %016lx r14 %016lx r15 %016lx\n", r.r13, r.r14, r.r15);
}

// SDM vol. 3B, 16.3.2.2.
void print_machine_check_banks() {
    const uint64_t banks = x86::read_msr(x86::Msr::MachineCheckCapabilities) & 0xff;
    for (uint32_t bank = 0; bank < banks; ++bank) {
        const auto status_register = static_cast<x86::Msr>(
            static_cast<uint32_t>(x86::Msr::MachineCheckStatus0) + 4 * bank);
        const uint64_t status = x86::read_msr(status_register);
        if ((status & kBankValid) != 0)
            console::print("machine-check bank %u: status %016lx\n", bank, status);
    }
}

bool in_guard_page(uint64_t address) {
    return address >= SHOAL_KERNEL_STACK - kPageSize && address < SHOAL_KERNEL_STACK;
}

}  // namespace

void panic_by_exception(const kernel::Registers& registers) {
    console::break_lock();
    print_registers(registers);
    if (registers.vector == kMachineCheck) print_machine_check_banks();
    const StoppedAt where{registers.rip, registers.rbp, registers.rsp};
    const unsigned cpu = local().id.raw();
    const char* name = exception_name(registers.vector);
    if (registers.vector == kPageFault)
        panic_at(where, "CPU %u: %s in the kernel at %016lx, error %lx", cpu, name,
                 x86::read_cr2(), registers.error);
    // The page fault at the guard page could not be pushed, and left its address in CR2.
    if (registers.vector == kDoubleFault && in_guard_page(x86::read_cr2()))
        panic_at(where, "CPU %u: kernel stack overflow: guard page touched at %016lx", cpu, x86::read_cr2());
    panic_at(where, "CPU %u: %s, error %lx", cpu, name, registers.error);
}

}  // namespace shoal::smp
