// The step that all ways of sending share: a message goes from where it is into the registers of a thread that receives.
#pragma once

#include "abi/trap.hpp"
#include "kernel/core/cpu.hpp"
#include "kernel/core/sched/scheduler.hpp"

namespace shoal::kernel {

inline bool accepts(const Thread& target, Endpoint source) {
    return target.state == ThreadState::Receiving && (target.receive_from == source || target.receive_from == kAny);
}

// Whether the target waits for exactly this answer: nobody needs a privilege to give it.
inline bool waits_for_reply(const Thread& target, Endpoint source) {
    return target.state == ThreadState::Receiving && target.receive_from == source && target.is(kFinishingSendReceive);
}

// A worker is told who calls (kVmCallerWord) and whether the kernel's tables run low.
void complete_for_worker(Cpu& cpu, Thread& worker, const Process& sender);

// Fills the target's registers; it stays in its state.
inline void put_message(Registers& to, const Registers& from, Endpoint source, uint64_t status) {
    to.rsi = (from.rsi & 0xffff'ffff) | uint64_t{source.raw()} << 32;
    to.rdx = from.rdx, to.r8 = from.r8, to.r9 = from.r9, to.r10 = from.r10;
    to.r12 = from.r12, to.r13 = from.r13, to.r14 = from.r14;
    to.rdi = status;
    to.rax = 0;
}

inline void put_message(Registers& to, const Message& message, Endpoint source, uint64_t status) {
    to.set_message(message);
    to.rsi = message.type() | uint64_t{source.raw()} << 32;
    to.rdi = status;
    to.rax = 0;
}

// From one thread to another that accepts it. trap: the sender's.
inline void transfer(Cpu& cpu, Thread& sender, Thread& target, Trap trap) {
    put_message(target.registers, sender.registers, sender.source_name, static_cast<uint64_t>(trap));
    target.clear(kFinishingSendReceive);
    target.state = ThreadState::Ready;
    if (target.is(kWorker)) complete_for_worker(cpu, target, *sender.process);
}

}  // namespace shoal::kernel
