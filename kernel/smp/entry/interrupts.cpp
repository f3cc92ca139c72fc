// What entry.S calls: exceptions and interrupts other than page faults and system calls.
#include "base/assert.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/registers.hpp"
#include "kernel/smp/apic/local_apic.hpp"
#include "kernel/smp/apic/vectors.hpp"
#include "kernel/smp/clock/timer.hpp"
#include "kernel/smp/entry/exception_report.hpp"
#include "kernel/smp/entry/offsets.h"
#include "kernel/smp/local/cpu_local.hpp"
#include "kernel/smp/panic/panic.hpp"
#include "kernel/smp/tlb/flush_everywhere.hpp"
#include "kernel/smp/x86/control.hpp"

using shoal::kernel::Registers;
using shoal::kernel::Thread;

static_assert(sizeof(Registers) == SHOAL_REGISTERS_BYTES);
static_assert(offsetof(Registers, vector) == SHOAL_REGISTERS_VECTOR);
static_assert(offsetof(Registers, error) == SHOAL_REGISTERS_ERROR);
static_assert(offsetof(Registers, rip) == SHOAL_REGISTERS_RIP);
static_assert(offsetof(Registers, cs) == SHOAL_REGISTERS_CS);
static_assert(offsetof(Registers, rflags) == SHOAL_REGISTERS_RFLAGS);
static_assert(offsetof(Registers, rsp) == SHOAL_REGISTERS_RSP);
static_assert(SHOAL_SPURIOUS_APIC == shoal::smp::kSpuriousVector);
static_assert(SHOAL_SPURIOUS_8259 == shoal::smp::kFirst8259Vector + 7);
static_assert(Registers::kUserCode == SHOAL_USER_CODE && Registers::kUserData == SHOAL_USER_DATA);

extern "C" const char entry_idle_begin[], entry_idle_end[], entry_window_begin[], entry_window_end[];

namespace shoal::smp {
namespace {

constexpr uint64_t kDebug = 1, kNmi = 2, kExceptions = 32;

bool within(const Registers& registers, const char* begin, const char* end) {
    return registers.rip >= reinterpret_cast<uint64_t>(begin) &&
           registers.rip <= reinterpret_cast<uint64_t>(end);
}

// The local APIC's own and those of the masked 8259 (lines 7 and 15) are not in service: they get no end-of-interrupt (SDM
// vol. 3A, 11.9).
bool is_spurious(uint64_t vector) {
    return vector == kSpuriousVector || (vector >= kFirst8259Vector && vector <= kLast8259Vector);
}

// Interrupts proper, of user code or of the idle loop.
void serve_interrupt(uint8_t vector) {
    if (is_spurious(vector)) {
        ++local().spurious_interrupts;
        return;
    }
    switch (vector) {
        case kWakeVector:
            local_apic::end_of_interrupt();
            kernel::entry::on_wake();
            return;
        case kTimerVector:
            local_apic::end_of_interrupt();
            if (timer::expired()) kernel::entry::on_timer();
            return;
        case kFlushVector:
            local_apic::end_of_interrupt();
            serve_flush();
            return;
        case kApicErrorVector:
            local_apic::report_error();
            local_apic::end_of_interrupt();
            return;
        default: break;
    }
    local_apic::end_of_interrupt();
    kernel::entry::on_device_interrupt(vector);
}

// A user that sets TF or executes INT1. The frame lies on the debug stack; the thread's registers take it over.
bool take_over_user_frame(const Registers& frame) {
    auto* end = reinterpret_cast<Registers*>(local().task_state.stack_of_ring[0]);
    end[-1] = frame;
    return true;
}

}  // namespace

extern "C" void interrupt_of_user(Thread& thread, Registers& registers) {
    if (registers.vector < kExceptions)
        kernel::entry::on_exception(thread, static_cast<uint8_t>(registers.vector),
                                    registers.error);
    else
        serve_interrupt(static_cast<uint8_t>(registers.vector));
}

extern "C" bool interrupt_of_kernel(Registers& registers) {
    if (registers.vector < kExceptions) panic_by_exception(registers);
    if (within(registers, entry_idle_begin, entry_idle_end)) {
        kernel::entry::end_idling();
        serve_interrupt(static_cast<uint8_t>(registers.vector));
        return false;
    }
    if (!within(registers, entry_window_begin, entry_window_end)) panic_by_exception(registers);
    if (is_spurious(registers.vector)) {
        ++local().spurious_interrupts;
        return true;
    }
    local_apic::end_of_interrupt();
    ++local().interrupts_in_window;
    return true;
}

// NMI, #DB, #DF, #MC on their own stacks; takes no lock. True: go on as an exception of the current thread.
extern "C" bool exception_on_own_stack(Registers& registers) {
    const bool of_user = (registers.cs & 3) != 0;
    switch (registers.vector) {
        case kNmi:
            if (panicking()) stop_for_panic({registers.rip, registers.rbp, registers.rsp});
            ++local().unknown_nmis;
            return false;
        case kDebug:
            if (of_user) return take_over_user_frame(registers);
            // A user's single step that arrives one instruction late, in the kernel: it ends here.
            registers.rflags &= ~x86::flags::kTrap;
            return false;
        default: panic_by_exception(registers);
    }
}

}  // namespace shoal::smp
