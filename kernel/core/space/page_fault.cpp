// The path of a page fault: into the worker's hands, and out of them by Resume. README.md walks through it step by step.
#include "abi/trap.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/ipc/receive.hpp"
#include "kernel/core/objects/tables.hpp"
#include "kernel/core/objects/vm_failure.hpp"
#include "kernel/core/sched/scheduler.hpp"
#include "kernel/core/sched/switch.hpp"
#include "kernel/core/space/cpu_spaces.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel {

namespace {

// What VM cannot help. A fault of user code without the user bit: the CPU used memory for the program with the kernel's rights (SDM
// vol. 3A, 4.6.1: implicit supervisor accesses; QEMU's TCG reads the stack of far returns so), and where a page is present SMAP
// refuses it for ever.
const char* why_hopeless(uint64_t error_code) {
    if ((error_code & kFaultReserved) != 0) return "page fault by a reserved bit of a page table";
    if ((error_code & (kFaultPresent | kFaultUser)) == kFaultPresent) return "access with the kernel's rights";
    return nullptr;
}

}  // namespace

// Of user code, by the saved CS: the error code says with whose rights memory was used, not who ran.
[[gnu::flatten]] Thread* entry::on_page_fault(Thread& current, VirtualAddress address, uint64_t error_code) {
    Cpu& cpu = machine::this_cpu();
    if (current.is(kWorker)) [[unlikely]] stop_for_vm_failure(current, "page fault", address, error_code);
    if ((error_code & (kFaultUser | kFaultReserved)) != kFaultUser) [[unlikely]] {
        const char* hopeless = why_hopeless(error_code);
        if (hopeless != nullptr) {
            kill_for_fault(cpu, current, hopeless, address);
            return leave_to_current(cpu);
        }
    }
    FaultRecord& fault = current.fault;
    fault.type = kPageFault;
    fault.address = address;
    fault.flags = error_code | kFaultUser;
    fault.process = current.process->id();
    fault.bytes = 0;
    hand_to_worker(cpu, current);
    return leave_to_current(cpu);
}

namespace space {

namespace {

struct ResumeRequest {
    Endpoint name;
    uint32_t sequence;
    Error outcome;
    VirtualAddress leaf;
    PhysicalAddress table;
    bool flush;
    Waiting waiting;

    explicit ResumeRequest(const Registers& r)
        : name(static_cast<uint32_t>(r.rdi)), sequence(static_cast<uint32_t>(r.rdi >> 32)),
          outcome(from_register(static_cast<int64_t>(r.rsi))), leaf(r.rdx), table(r.r8),
          flush((r.rax & kFlushPartner) != 0),
          waiting(waiting_of(r.rax)) {}
};

// NoProcess does not count: who asked about a space that has died finds that out when its call is replayed. The slot may
// have another process by now, whose tables are none of this fault's business.
[[gnu::noinline]] Error link_for(Cpu& cpu, const Thread& thread, const ResumeRequest& request) {
    if (find_process(thread.fault.process) == nullptr) return Error::None;
    const Error error = cpu.spaces->link(thread.fault.process, request.leaf, request.table);
    return error == Error::NoProcess ? Error::None : error;
}

// Also for a thread that has died in VM's hands: others of the space may run here before they are stopped.
[[gnu::noinline]] void flush_for(Cpu& cpu, const ResumeRequest& request) {
    const Thread* slot = thread_slot(request.name);
    if (slot != nullptr && is_home(cpu, *slot) && slot->fault.sequence == request.sequence)
        cpu.spaces->flush_later(SpaceSlot::of(slot->fault.process));
}

// The worker receives; whoever it has resumed runs at once if the worker has nothing more to do.
void receive_after(Cpu& cpu, Thread& worker, Thread& resumed, Waiting waiting) {
    if (waiting == Waiting::GivesWay) [[unlikely]] {
        make_ready(cpu, resumed);  // one of those that the worker gives way to
        return receive_next(cpu, worker, kAny, waiting);
    }
    receive_next(cpu, worker, kAny, waiting);
    if (cpu.current == nullptr) {
        hand_off(cpu, resumed);
    } else {
        make_ready(cpu, resumed);
    }
}

// The thread may be anybody's, or nobody's.
[[gnu::noinline]] void resume_and_receive(Cpu& cpu, Thread& worker, const ResumeRequest& request) {
    if (!resume_thread(cpu, request.name, request.sequence, request.outcome)) [[unlikely]]
        return ask_to_resume(cpu, worker, request.name, request.sequence, request.outcome, request.waiting);
    receive_next(cpu, worker, kAny, request.waiting);
}

}  // namespace

void worker_received(Cpu& cpu) { cpu.spaces->worker.received_next(); }

[[gnu::noinline]] void on_resume(Cpu& cpu, Thread& worker) {
    Registers& registers = worker.registers;
    if (cpu.worker != &worker) {
        worker.set_result(Error::TrapDenied);
        return;
    }
    const ResumeRequest request{registers};
    Thread* thread = find_thread(request.name);
    const bool ours = thread != nullptr && is_in_hand(cpu, *thread, request.sequence);
    if (ours && request.leaf.raw() != 0) [[unlikely]] {
        if (const Error error = link_for(cpu, *thread, request); error != Error::None) [[unlikely]] {
            worker.set_result(error);
            return;
        }
    }
    // --- commit point ---
    if (request.flush) flush_for(cpu, request);
    if (ours && request.outcome == Error::None && thread->fault.type == kPageFault) [[likely]]
        return receive_after(cpu, worker, *thread, request.waiting);
    resume_and_receive(cpu, worker, request);
}

}  // namespace space
}  // namespace shoal::kernel
