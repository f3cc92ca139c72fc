// The direct ways: a call to a server that waits, its answer, and the end of a page fault, on one CPU with nobody better to run. They decide by a few words,
// change nothing before they have decided, and leave every other case to the general ways (send.cpp, reply.cpp), which come to the
// same end.
#pragma once

#include "kernel/core/ipc/deliver.hpp"
#include "kernel/core/ipc/destination.hpp"
#include "kernel/core/ipc/probe.hpp"
#include "kernel/core/ipc/worker.hpp"
#include "kernel/core/sched/scheduler.hpp"
#include "kernel/core/sched/switch.hpp"

namespace shoal::kernel {

template <Trap kTrap>
bool may_trap(const Thread& caller) {
    constexpr auto kNumber = static_cast<unsigned>(kTrap);
    const uint64_t mask = caller.process->privileges.trap_mask;
    const auto half = static_cast<uint32_t>(mask >> (kNumber / 32 * 32));  // one instruction tests a bit of 32
    return (half & 1u << kNumber % 32) != 0;
}

inline Thread* switch_to(Cpu& cpu, Thread& next) {
    SHOAL_ASSERT(cpu.handoff_limit <= handoff_limit(cpu));
    next.state = ThreadState::Ready;
    cpu.current = &next;
    return load(cpu, next);
}

inline void await(Thread& thread, Endpoint from) {
    thread.state = ThreadState::Receiving;
    thread.receive_from = from;
    thread.wait_stamp = probe_clock_now();
}

// Trap SendReceive. The server that runs next, or nullptr: not this way.
inline Thread* call_directly(Cpu& cpu, Thread& caller, Endpoint to) {
    if (!may_trap<Trap::SendReceive>(caller)) [[unlikely]] return nullptr;
    Thread* const server = to == kVm ? cpu.worker : find_thread(to);
    if (server == nullptr || !is_home(cpu, *server) || !is_reached_as(*server, to)) [[unlikely]] return nullptr;
    if (server->state != ThreadState::Receiving || server->receive_from != kAny || must_settle(*server)) [[unlikely]] return nullptr;
    if (!may_send(caller, process_slot_of(*server)) || !may_be_handed(cpu, *server)) [[unlikely]] return nullptr;
    // --- commit point ---
    put_message(server->registers, caller.registers, caller.source_name, static_cast<uint64_t>(Trap::SendReceive));
    if (server->is(kWorker)) complete_for_worker(cpu, *server, *caller.process);
    await(caller, to);
    caller.set(kFinishingSendReceive);
    return switch_to(cpu, *server);
}

// Trap ReplyReceive, from anyone, waiting. The client that runs next, or nullptr: not this way.
inline Thread* answer_directly(Cpu& cpu, Thread& server, Endpoint to, bool flush_partner) {
    if (!may_trap<Trap::ReplyReceive>(server)) [[unlikely]] return nullptr;
    if (server.pending != 0 || !server.callers.empty()) [[unlikely]] return nullptr;
    Thread* const client = find_thread(to);
    if (client == nullptr || !is_home(cpu, *client) || client->state != ThreadState::Receiving) [[unlikely]] return nullptr;
    const bool waits_for_this = (client->flags & (kFinishingSendReceive | kToSettle)) == kFinishingSendReceive;
    if (client->receive_from != server.source_name || !waits_for_this || !may_be_handed(cpu, *client)) [[unlikely]] return nullptr;
    // --- commit point ---
    if (flush_partner && server.is(kWorker)) space::flush_at_next_load(cpu, process_slot_of(*client));
    put_message(client->registers, server.registers, server.source_name, static_cast<uint64_t>(Trap::ReplyReceive));
    client->clear(kFinishingSendReceive);
    await(server, kAny);
    return switch_to(cpu, *client);
}

// Trap Resume: a page fault of a thread here has been served, and needs no table linked. That thread, or nullptr: not this way.
inline Thread* resume_directly(Cpu& cpu, Thread& worker) {
    const Registers& answer = worker.registers;
    if (cpu.worker != &worker || !may_trap<Trap::Resume>(worker)) [[unlikely]] return nullptr;
    if (worker.pending != 0 || !worker.callers.empty()) [[unlikely]] return nullptr;
    const bool plain = (answer.rsi | answer.rdx) == 0;  // neither an error nor a table
    Thread* const thread = find_thread(Endpoint{static_cast<uint32_t>(answer.rdi)});
    if (!plain || thread == nullptr || !is_in_hand(cpu, *thread, static_cast<uint32_t>(answer.rdi >> 32))) return nullptr;
    if (thread->fault.type != kPageFault || must_settle(*thread) || !may_be_handed(cpu, *thread)) [[unlikely]] return nullptr;
    // --- commit point ---
    await(worker, kAny);
    return switch_to(cpu, *thread);
}

}  // namespace shoal::kernel
