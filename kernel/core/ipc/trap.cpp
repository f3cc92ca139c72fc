// The traps, told apart. Each leaves its caller with its result in its registers, or waiting.
#include "abi/trap.hpp"

#include "kernel/core/entry.hpp"
#include "kernel/core/ipc/async.hpp"
#include "kernel/core/ipc/direct.hpp"
#include "kernel/core/ipc/kernel_call.hpp"
#include "kernel/core/ipc/notify.hpp"
#include "kernel/core/ipc/send.hpp"
#include "kernel/core/ipc/receive.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/vm_failure.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel {

namespace {

constexpr uint64_t kKnownFlags = kTrapNumberMask | kNonBlocking | kFlushPartner | kNoReply | kGiveWay;

bool allowed(const Thread& caller, uint64_t number) {
    return number < 64 && (caller.process->privileges.trap_mask >> number & 1) != 0;
}

// Numbers that are no trap get BadCall, whatever the mask says.
bool exists(uint64_t number) {
    switch (static_cast<Trap>(number)) {
        case Trap::Send:
        case Trap::Receive:
        case Trap::SendReceive:
        case Trap::Notify:
        case Trap::SendNonBlocking:
        case Trap::SendAsync:
        case Trap::ReplyReceive:
        case Trap::KernelCall:
        case Trap::Resume: return true;
    }
    return false;
}

}  // namespace

namespace {

void carry_out(Cpu& cpu, Thread& current, uint64_t rax) {
    const Endpoint to{static_cast<uint32_t>(current.registers.rdi)};
    const Endpoint from{static_cast<uint32_t>(current.registers.rdi >> 32)};
    const Waiting waiting = waiting_of(rax);
    switch (static_cast<Trap>(rax & kTrapNumberMask)) {
        case Trap::SendReceive: return send(cpu, current, to, Trap::SendReceive);
        case Trap::ReplyReceive:
            return reply_receive(cpu, current, to, from, waiting, (rax & kFlushPartner) != 0, (rax & kNoReply) == 0);
        case Trap::Resume:
            if (!current.is(kWorker)) return current.set_result(Error::TrapDenied);
            return space::on_resume(cpu, current);
        case Trap::Send: return send(cpu, current, to, Trap::Send);
        case Trap::Receive: return receive_next(cpu, current, from, waiting);
        case Trap::Notify: return notify(cpu, current, to);
        case Trap::SendNonBlocking: return send_non_blocking(cpu, current, to);
        case Trap::KernelCall: return kernel_call(cpu, current);
        case Trap::SendAsync: return send_async(cpu, current);
    }
    current.set_result(Error::BadCall);
}

[[gnu::noinline]] Thread* in_general(Cpu& cpu, Thread& current, uint64_t rax) {
    const uint64_t number = rax & kTrapNumberMask;
    if ((rax & ~kKnownFlags) == 0 && allowed(current, number)) [[likely]] {
        carry_out(cpu, current, rax);
    } else {
        current.set_result((rax & ~kKnownFlags) == 0 && exists(number) ? Error::TrapDenied : Error::BadCall);
    }
    return leave_to_current(cpu);
}

}  // namespace

// Inlined as a whole: what is called stays out of the common way.
[[gnu::flatten]] Thread* entry::on_syscall(Thread& current) {
    Cpu& cpu = machine::this_cpu();
    const uint64_t rax = current.registers.rax;
    const Endpoint to{static_cast<uint32_t>(current.registers.rdi)};
    const Endpoint from{static_cast<uint32_t>(current.registers.rdi >> 32)};
    Thread* next = nullptr;
    if (rax == static_cast<uint64_t>(Trap::SendReceive)) {
        next = call_directly(cpu, current, to);
    } else if ((rax & ~kFlushPartner) == static_cast<uint64_t>(Trap::ReplyReceive) && from == kAny) {
        next = answer_directly(cpu, current, to, (rax & kFlushPartner) != 0);
    } else if (rax == static_cast<uint64_t>(Trap::Resume)) {
        next = resume_directly(cpu, current);
    }
    return next != nullptr ? next : in_general(cpu, current, rax);
}

void entry::on_exception(Thread& current, uint8_t vector, uint64_t error_code) {
    Cpu& cpu = machine::this_cpu();
    static constexpr const char* kNames[] = {
        "division error", "debug exception", "non-maskable interrupt", "breakpoint", "overflow", "bound range exceeded",
        "invalid instruction", "FPU not available", "double fault", "coprocessor overrun", "invalid TSS",
        "segment not present", "stack fault", "general protection fault", "page fault", "reserved exception", "FPU error",
        "alignment check", "machine check", "SIMD floating-point error"};
    const char* kind = vector < sizeof(kNames) / sizeof(kNames[0]) ? kNames[vector] : "exception";
    const VirtualAddress instruction{current.registers.rip};
    if (current.is(kWorker)) stop_for_vm_failure(current, kind, instruction, error_code);
    kill_for_fault(cpu, current, kind, instruction);
}

}  // namespace shoal::kernel
