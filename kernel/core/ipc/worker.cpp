#include "kernel/core/ipc/worker.hpp"

#include "kernel/core/ipc/async.hpp"
#include "kernel/core/ipc/deliver.hpp"
#include "kernel/core/ipc/send.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/tables.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel {

namespace {

uint64_t worker_status(const Cpu& cpu) { return kFromKernel | (space::tables_low(cpu) ? uint64_t{kTablesLow} : 0); }

// A worker that waits for somebody in particular is not to take a fault for the answer.
bool accepts_kernel(const Thread& worker) { return worker.state == ThreadState::Receiving && worker.receive_from == kAny; }

// Which takes these, but no faults, while it waits for the kernel in particular.
bool accepts_news(const Thread& worker) {
    return accepts_kernel(worker) || (worker.state == ThreadState::Receiving && worker.receive_from == kKernel);
}

void put_fault(const Cpu& cpu, Thread& worker, const Message& message) {
    worker.registers.set_message(message);
    worker.registers.rdi = worker_status(cpu);
    worker.registers.rax = 0;
}

// False: the node is away.
bool post_resume(Thread& thread, Endpoint name, uint32_t sequence, Error outcome) {
    Thread::ResumeNode& node = thread.resume;
    if (!node.claim(name)) return false;
    node.kind = Mail::Resume;
    node.target = name;
    node.sequence = sequence;
    node.outcome = outcome;
    post_now(thread.home_cpu(), node);
    return true;
}

// VM knows no space of the process that a request is about: it has ended, or has no memory yet.
Error without_space(const FaultRecord& fault) {
    const Process* process = find_process(fault.process);
    const bool alive = process != nullptr && find_thread(process->first_thread) != nullptr;
    return alive ? Error::BadAddress : Error::DeadEndpoint;
}

// Of a kernel call that has met absent pages, when they are there; or of a map whose grants have to be looked up anew.
bool is_replayed(uint32_t type, Error outcome) {
    return type == kMemoryRequest ? outcome == Error::None : type == kMapRequest && outcome == Error::Again;
}

// A thread of this CPU whose fault or request has been served, or cannot be.
void resume_here(Cpu& cpu, Thread& thread, Error outcome) {
    const bool request = thread.fault.type != kPageFault;
    if (thread.is(kRestoringAsync)) {
        restored_async(thread, outcome);
    } else if (outcome != Error::None && !request) {
        return kill_for_fault(cpu, thread, error_text(outcome), thread.fault.address);
    } else if (is_replayed(thread.fault.type, outcome)) {
        thread.set(kReplay);
    } else if (request) {
        const Error answer = outcome == Error::NoProcess ? without_space(thread.fault) : outcome;
        thread.set_result(answer);
    }
    make_ready(cpu, thread);
}

void put_worker_message(const Cpu& cpu, Thread& worker, WorkerMessage& message) {
    worker.registers.set_message(message.message);
    worker.registers.rdi = worker_status(cpu);
    worker.registers.rax = 0;
    message.pending.store(false, std::memory_order_release);  // pairs with the poster's exchange of pending
}

}  // namespace

void hand_to_worker(Cpu& cpu, Thread& thread) {
    Thread* worker = cpu.worker;
    if (worker == nullptr || &thread == worker) [[unlikely]]
        return kill_for_fault(cpu, thread, "page fault that no VM worker can serve", thread.fault.address);
    ++thread.fault.sequence;
    const Message message = thread.fault.message(thread.endpoint(), thread.registers.rip);  // now, of what has just been written
    thread.state = ThreadState::InVmHands;
    block_current(cpu, thread);
    if (!accepts_kernel(*worker)) [[unlikely]] {
        worker->callers.push_back(thread);
        return;
    }
    put_fault(cpu, *worker, message);
    hand_off(cpu, *worker);
}

bool resume_thread(Cpu& cpu, Endpoint name, uint32_t sequence, Error outcome) {
    Thread* thread = find_thread(name);
    if (thread == nullptr) return true;
    if (!is_home(cpu, *thread)) return post_resume(*thread, name, sequence, outcome);
    const bool stale = thread->state != ThreadState::InVmHands || thread->fault.sequence != sequence ||
                       thread->queue_link.linked();
    if (!stale) resume_here(cpu, *thread, outcome);
    return true;
}

void ask_to_resume(Cpu& cpu, Thread& worker, Endpoint name, uint32_t sequence, Error outcome, Waiting waiting) {
    worker.receive_from = kAny;
    worker.set(kReceiveWhenSent);
    if (waiting != Waiting::Allowed) worker.set(kNonBlockingReceive);
    worker.request.value = uint64_t{sequence} << 32 | static_cast<uint32_t>(outcome);
    ask(cpu, worker, *thread_slot(name), name, Mail::ResumeAsked);
}

void on_resume_asked(Cpu& cpu, Thread& worker) {
    const uint64_t answer = worker.request.value;
    [[maybe_unused]] const bool handled = resume_thread(cpu, worker.request.target, static_cast<uint32_t>(answer >> 32),
                                                        static_cast<Error>(static_cast<uint32_t>(answer)));
    SHOAL_ASSERT(handled);  // the thread's home is here
    conclude_send(cpu, worker, Error::None);
}

void send_to_worker(CpuId target, WorkerMessage& message) {
    message.kind = Mail::WorkerMessage;
    post_now(target, message);
}

void on_worker_message(Cpu& cpu, WorkerMessage& message) {
    Thread* worker = cpu.worker;
    if (worker != nullptr && accepts_news(*worker)) {
        put_worker_message(cpu, *worker, message);
        return make_ready(cpu, *worker);
    }
    cpu.worker_messages.push_back(message);
    if (worker != nullptr) worker->pending |= kPendingFromKernel;
}

bool take_worker_message(Cpu& cpu, Thread& worker) {
    WorkerMessage* message = cpu.worker_messages.pop_front();
    if (cpu.worker_messages.empty()) worker.pending = static_cast<uint8_t>(worker.pending & ~kPendingFromKernel);
    if (message == nullptr) return false;
    put_worker_message(cpu, worker, *message);
    return true;
}

}  // namespace shoal::kernel
