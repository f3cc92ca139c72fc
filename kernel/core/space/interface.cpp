// kernel/core/space_interface.hpp: what the rest of the core asks for.
#include "kernel/core/space_interface.hpp"

#include "kernel/core/objects/tables.hpp"
#include "kernel/core/space/memory_request.hpp"
#include "kernel/core/space/setup.hpp"
#include "kernel/core/space/walk.hpp"

namespace shoal::kernel::space {

namespace {

void note_worker_waits(Cpu& cpu) {
    if (cpu.worker != nullptr && cpu.worker->state == ThreadState::Receiving) cpu.spaces->worker.left();
}

Error outcome_now(const CopyResult& result) {
    return result.outcome == CopyResult::Outcome::Copied ? Error::None : Error::BadAddress;
}

}  // namespace

void enter(Cpu& cpu, Thread& next) {
    CpuSpaces& spaces = *cpu.spaces;
    bool barrier_needed = false;
    if (next.is(kWorker)) {
        barrier_needed = spaces.worker.enter();
    } else if (spaces.worker.inside()) {
        note_worker_waits(cpu);
    }
    const auto loaded = spaces.load(SpaceSlot{process_slot_of(next)});
    // The worker's epoch must be visible before its first load: pairs with the fence of VM's reclaimer.
    if (barrier_needed && loaded == CpuSpaces::Loaded::Unchanged) std::atomic_thread_fence(std::memory_order_seq_cst);
}

// If the worker is what comes next, it is to be loaded again, so that enter() sees it come back.
void idle(Cpu& cpu) {
    note_worker_waits(cpu);
    if (cpu.loaded == cpu.worker) cpu.loaded = nullptr;
}

Error read_user(Thread& caller, void* to, VirtualAddress from, uint64_t bytes) {
    return copy_now(caller, CopyEnd::kernel(to), user_end(*caller.process, from), bytes, OnAbsent::AskVm);
}

Error write_user(Thread& caller, VirtualAddress to, const void* from, uint64_t bytes) {
    return copy_now(caller, user_end(*caller.process, to), CopyEnd::kernel(from), bytes, OnAbsent::AskVm);
}

Error read_user_now(Process& process, void* to, VirtualAddress from, uint64_t bytes) {
    return outcome_now(copy(here(), CopyEnd::kernel(to), user_end(process, from), bytes, kUnlimitedPieces));
}

Error write_user_now(Process& process, VirtualAddress to, const void* from, uint64_t bytes) {
    return outcome_now(copy(here(), user_end(process, to), CopyEnd::kernel(from), bytes, kUnlimitedPieces));
}

void on_mail(Cpu& cpu, MailNode&) {
    cpu.spaces->answer_bell();
    if (cpu.spaces->evicted()) cpu.loaded = nullptr;  // a thread block may come back to life in another space
}

bool tables_low(const Cpu& cpu) { return cpu.spaces->stock().low(); }

void flush_at_next_load(Cpu& cpu, uint32_t process_slot) {
    if (process_slot != kVmSlot) cpu.spaces->flush_later(SpaceSlot{process_slot});
}

// The kernel writes the word through its own view of the frame: VM's memory neither faults nor moves.
Error set_worker_epoch(Cpu& cpu, Thread& worker, VirtualAddress epoch) {
    if (epoch.raw() % alignof(WorkerEpoch) != 0) return Error::Invalid;
    const Translation found = walk(cpu.spaces->root(SpaceSlot{slot_of(*worker.process)}), epoch, Access::Write);
    if (found.outcome != Translation::Outcome::Mapped) return Error::Invalid;
    cpu.spaces->worker.set_word(static_cast<WorkerEpoch*>(machine::frame_pointer(found.address)));
    if (cpu.spaces->worker.enter()) std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with what enter() names
    return Error::None;
}

bool gone(const Process& process) { return holders_of(process).empty(); }

}  // namespace shoal::kernel::space
