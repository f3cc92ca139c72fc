#include "tests/support/vm/harness.hpp"

#include <cstring>
#include <thread>

#include "servers/vm/requests/dispatcher.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "tests/support/vm/answers.hpp"
#include "tests/support/vm/lock_stop.hpp"

namespace shoal::vm::test {

namespace {

// A thread that faults this often at one access is not served.
constexpr unsigned kMostFaults = 100'000;
constexpr ProcessId kPmProcess = ProcessId::of(kPmSlot, 1);

HostArena::Options arena_options(const Harness::Options& options) {
    HostArena::Options made;
    made.bytes = options.bytes;
    made.cpus = options.cpus;
    made.process_slots = options.slots;
    made.permanent_extra = ProcessTable::bytes_for(options.slots, options.cpus, PageCount{options.bytes >> kPageShift});
    return made;
}

}  // namespace

Harness::Harness(const Options& options)
    : machine(options.cpus), arena_(std::make_unique<HostArena>(arena_options(options))), lateness_(options.lateness) {
    ArenaHeader& header = arena_->header();
    header.processes = ProcessTable::create(arena_->extra(), options.slots, options.cpus, PageCount{options.bytes >> kPageShift});
    for (uint32_t i = 0; i < options.cpus; ++i) {
        WorkerContext worker = context(CpuId::from(i));
        stock_up(worker);
    }
    for (uint32_t slot = options.slots; slot-- > 1;) next_in_slot_.push_back(ProcessId::of(slot, 1));
}

Harness::~Harness() = default;

WorkerContext Harness::context(CpuId cpu) {
    machine.drive(cpu);
    return {arena_->worker(cpu.raw()), processes()};
}

void Harness::perform(const Action& action, const Message& message) {
    if (action.kind == Action::Kind::None) return;
    std::shared_ptr<Waiting> waiting;
    {
        std::lock_guard guard(waiting_lock_);
        waiting = waiting_[action.partner.raw()];
        waiting_.erase(action.partner.raw());
    }
    if (waiting == nullptr) return;
    if (action.tlb == PartnerTlb::Flush) machine.flush_local(waiting->process);
    machine.link(waiting->process, action.link);
    waiting->action = action;
    waiting->message = message;
    waiting->done.store(true, std::memory_order_release);
}

void Harness::serve_one(WorkerContext& worker, Exchange& exchange) {
    worker.worker.epoch.enter_fenced();
    quiesce(worker);
    perform(dispatch(worker, exchange), exchange.message);
    worker.worker.epoch.leave();
}

void Harness::pump(CpuId cpu) {
    machine.drive(cpu);
    WorkerContext worker = context(cpu);
    machine.acknowledge();
    Exchange exchange;
    while (machine.receive(exchange)) serve_one(worker, exchange);
    if (!has_work(worker)) return;
    worker.worker.epoch.enter_fenced();
    perform(work(worker, exchange), exchange.message);
    worker.worker.epoch.leave();
}

// A worker that holds a call takes no other. Many who wait for that must not keep the others, whom it waits for, from running.
void Harness::hand_over(CpuId cpu, Exchange& exchange) {
    for (;; std::this_thread::yield()) {
        std::lock_guard turn(machine.turn(cpu));
        machine.drive(cpu);
        machine.acknowledge();
        WorkerContext worker = context(cpu);
        if (!worker.desk.holding) return serve_one(worker, exchange);
        pump(cpu);
    }
}

// False: somebody else drives it.
bool Harness::try_to_pump(CpuId cpu) {
    std::unique_lock turn(machine.turn(cpu), std::try_to_lock);
    if (turn.owns_lock()) pump(cpu);
    return turn.owns_lock();
}

std::shared_ptr<Harness::Waiting> Harness::begin(CpuId cpu, ProcessId process, Exchange& exchange) {
    auto waiting = std::make_shared<Waiting>();
    waiting->process = process;
    const uint32_t token = next_token_.fetch_add(1) & 0x7fff'ffff;
    {
        std::lock_guard guard(waiting_lock_);
        waiting_[token] = waiting;
    }
    exchange.message.set_source(Endpoint{token});
    hand_over(cpu, exchange);
    return waiting;
}

Action Harness::ask(CpuId cpu, ProcessId process, Exchange& exchange) {
    const std::shared_ptr<Waiting> waiting = begin(cpu, process, exchange);
    for (uint32_t next = cpu.raw(); !waiting->done.load(std::memory_order_acquire); ++next) {
        const CpuId driven = CpuId::from(next % machine.cpus());
        const bool all_driven = driven.raw() + 1u == machine.cpus();
        if (!try_to_pump(driven) || all_driven) std::this_thread::yield();  // whoever is waited for may need this processor
    }
    exchange.message = waiting->message;
    return waiting->action;
}

void Harness::settle() {
    for (bool busy = true; busy;) {
        busy = false;
        for (uint32_t i = 0; i < machine.cpus(); ++i) {
            std::lock_guard turn(machine.turn(CpuId::from(i)));
            pump(CpuId::from(i));
        }
        // After all: the last one may have left something for the first.
        for (uint32_t i = 0; i < machine.cpus(); ++i) {
            std::lock_guard turn(machine.turn(CpuId::from(i)));
            busy = busy || machine.busy(CpuId::from(i)) || has_work(context(CpuId::from(i)));
        }
    }
}

namespace {

Receipt call_of(ProcessId process, VmCall number, const Message& arguments, uint64_t allowed) {
    Receipt receipt;
    receipt.message = arguments;
    receipt.message.set_type(kVmCallBase + static_cast<uint32_t>(number));
    receipt.message.words[kVmCallerWord] = process.raw() | allowed;
    return receipt;
}

}  // namespace

Harness::Pending Harness::begin_call(CpuId cpu, ProcessId process, VmCall number, const Message& arguments) {
    Receipt receipt = call_of(process, number, arguments, kVmCallAllowed);
    return Pending(begin(cpu, process, receipt));
}

Message Harness::call(CpuId cpu, ProcessId process, VmCall number, const Message& arguments, uint64_t allowed) {
    Receipt receipt = call_of(process, number, arguments, allowed);
    (void)ask(cpu, process, receipt);
    note_answer(number, receipt.message.outcome());
    return receipt.message;
}

ProcessId Harness::create(CpuId home, uint64_t quota) {
    ProcessId process;
    {
        std::lock_guard guard(slots_lock_);
        if (next_in_slot_.empty()) return {};
        process = next_in_slot_.back();
        next_in_slot_.pop_back();
    }
    machine.add_process(process, home);
    Message message;
    message.words[1] = process.raw();
    message.words[2] = process.raw();
    message.words[3] = quota;
    // As PM does; what RS makes is a server.
    if (call(home, kPmProcess, VmCall::Create, message).outcome() == Error::None) return process;
    std::lock_guard guard(slots_lock_);
    next_in_slot_.push_back(process);
    return {};
}

Error Harness::willexit(CpuId cpu, ProcessId process) {
    return call(cpu, process, VmCall::Willexit, {{0, process.raw()}}).outcome();
}

Error Harness::exit(CpuId cpu, ProcessId process) {
    const Error announced = willexit(cpu, process);
    if (announced != Error::None) return announced;
    const Error error = call(cpu, process, VmCall::Exit, {{0, process.raw()}}).outcome();
    const auto generation = static_cast<uint16_t>(process.generation() % 0x7fff + 1);
    std::lock_guard guard(slots_lock_);
    if (error == Error::None) next_in_slot_.push_back(ProcessId::of(process.slot(), generation));
    return error;
}

void Harness::stop(ProcessId process) {
    machine.stop(process);
    for (uint32_t cpu = 0; cpu < machine.cpus(); ++cpu) std::lock_guard turn(machine.turn(CpuId::from(cpu)));
}

void Harness::interrupt(ProcessId process) {
    std::lock_guard guard(waiting_lock_);
    for (auto it = waiting_.begin(); it != waiting_.end();) {
        const std::shared_ptr<Waiting> waiting = it->second;
        if (waiting == nullptr || waiting->process != process) {
            ++it;
            continue;
        }
        it = waiting_.erase(it);
        waiting->message.set_outcome(Error::Interrupted);
        waiting->done.store(true, std::memory_order_release);
    }
}

Result<VirtualAddress> Harness::mmap(CpuId cpu, ProcessId process, uint64_t bytes, uint64_t protection, uint64_t flags,
                                     VirtualAddress address) {
    Message message{{0, address.raw(), bytes, protection, flags}};
    const Message answer = call(cpu, process, VmCall::Mmap, message);
    if (answer.outcome() != Error::None) return answer.outcome();
    return VirtualAddress{answer.words[1]};
}

Error Harness::munmap(CpuId cpu, ProcessId process, VirtualAddress address, uint64_t bytes) {
    return call(cpu, process, VmCall::Munmap, {{0, address.raw(), bytes}}).outcome();
}

Error Harness::mprotect(CpuId cpu, ProcessId process, VirtualAddress address, uint64_t bytes, uint64_t protection) {
    return call(cpu, process, VmCall::Mprotect, {{0, address.raw(), bytes, protection}}).outcome();
}

Error Harness::discard(CpuId cpu, ProcessId process, VirtualAddress address, uint64_t bytes) {
    return call(cpu, process, VmCall::Madvise, {{0, address.raw(), bytes, kAdviseDontNeed}}).outcome();
}

Error Harness::ask_as_kernel(CpuId cpu, ProcessId process, uint32_t type, const Message& words) {
    Receipt receipt;
    receipt.status = kFromKernel;
    receipt.message = words;
    receipt.message.set_type(type);
    receipt.message.words[7] = process.raw();
    return ask(cpu, process, receipt).error;
}

Error Harness::map_memory(CpuId cpu, ProcessId process, const MapWish& wish) {
    const uint64_t sequence = machine.add_grant_path(wish.path);
    return ask_as_kernel(cpu, process, kMapRequest,
                         {{0, wish.from.raw(), wish.to.raw() | static_cast<uint64_t>(wish.mode), sequence, wish.source.raw(), 0, wish.bytes}});
}

Error Harness::unmap_memory(CpuId cpu, ProcessId process, VirtualAddress address) {
    return ask_as_kernel(cpu, process, kUnmapRequest, {{0, address.raw(), 0, 1}});
}

Error Harness::revoke(CpuId cpu, ProcessId process, uint32_t grant) { return ask_as_kernel(cpu, process, kRevokeRequest, {{0, grant, 0, 1}}); }

VmUsage Harness::usage(CpuId cpu, ProcessId process) {
    const VirtualAddress at = mmap(cpu, process, kPageSize).release();
    (void)call(cpu, process, VmCall::Info, {{0, kInfoUsage, process.raw(), at.raw(), sizeof(VmUsage)}});
    VmUsage usage{};
    for (size_t i = 0; i < sizeof(usage) / sizeof(uint64_t); ++i)
        reinterpret_cast<uint64_t*>(&usage)[i] = read(cpu, process, at + i * sizeof(uint64_t)).release();
    (void)munmap(cpu, process, at, kPageSize);
    return usage;
}

template <typename Use>
Error Harness::access(CpuId cpu, ProcessId process, VirtualAddress address, Access needed, uint64_t flags, Use use) {
    for (unsigned faults = 0; faults < kMostFaults; ++faults) {
        {
            std::lock_guard turn(machine.turn(cpu));
            machine.drive(cpu);
            if (lateness_ == 0 || accesses_.fetch_add(1, std::memory_order_relaxed) % lateness_ == 0) machine.acknowledge();
            if (machine.stopped(process)) return Error::NoProcess;
            const PageEntry entry = machine.translate(process, address, needed);
            if (entry.device()) {
                use(machine.device_word(entry.frame(), address));
                return Error::None;
            }
            if (entry.held()) {
                const FrameKind kind = arena_->table()[entry.frame()].kind();
                if (kind != FrameKind::Anonymous && !is_object_page(kind)) ++machine.stale_uses;
                use(window_pointer<uint64_t>(entry.frame().address() + address.page_offset()));
                return Error::None;
            }
        }
        Receipt receipt;
        receipt.status = kFromKernel;
        receipt.message = {{0, address.raw(), flags, 1, process.raw()}};
        receipt.message.set_type(kPageFault);
        const Action action = ask(cpu, process, receipt);
        if (action.error != Error::None) return action.error;
    }
    return Error::TimedOut;
}

Result<uint64_t> Harness::read(CpuId cpu, ProcessId process, VirtualAddress address) {
    uint64_t value = 0;
    const Error error = access(cpu, process, address, Access::read(), kFaultUser,
                               [&](uint64_t* word) { value = __atomic_load_n(word, __ATOMIC_SEQ_CST); });
    if (error != Error::None) return error;
    return value;
}

Error Harness::write(CpuId cpu, ProcessId process, VirtualAddress address, uint64_t value) {
    return access(cpu, process, address, Access::read_write(), kFaultUser | kFaultWrite,
                  [&](uint64_t* word) { __atomic_store_n(word, value, __ATOMIC_SEQ_CST); });
}

Error Harness::execute(CpuId cpu, ProcessId process, VirtualAddress address) {
    return access(cpu, process, address, Access::read_execute(), kFaultUser | kFaultFetch, [](uint64_t*) {});
}

Error Harness::request_memory(CpuId cpu, ProcessId requester, ProcessId process, VirtualAddress address, uint64_t bytes, uint64_t flags) {
    Receipt receipt;
    receipt.status = kFromKernel;
    receipt.message = {{0, address.raw(), flags, 1, process.raw(), 0, bytes, requester.raw()}};
    receipt.message.set_type(kMemoryRequest);
    return ask(cpu, process, receipt).error;  // whose tables get what is to be linked
}

// What the CPUs' walkers can reach is some leaf's table, and the leaf knows of the CPU.
void Harness::audit_links(AuditReport& report) {
    machine.for_each_link([&](CpuId cpu, uint32_t slot, VirtualAddress base, PhysicalAddress table) {
        Space* space = processes().slot_at(slot).space();
        const Leaf* leaf = space == nullptr ? nullptr : space->leaves.find(base);
        if (leaf == nullptr || leaf->table_frame().address() != table || !leaf->cpus.contains(cpu))
            report.fault("a CPU has a table linked that no leaf has", cpu.raw(), base.raw());
    });
}

// All at once or none, whatever order others take some of them in.
std::vector<std::unique_lock<std::mutex>> Harness::all_turns() {
    for (;; std::this_thread::yield()) {
        std::vector<std::unique_lock<std::mutex>> turns;
        for (uint32_t i = 0; i < machine.cpus(); ++i) {
            turns.emplace_back(machine.turn(CpuId::from(i)), std::try_to_lock);
            if (!turns.back().owns_lock()) break;
        }
        if (turns.back().owns_lock()) return turns;
    }
}

uint64_t Harness::audit() {
    settle();
    // As the guest's workers stand still for one, between two requests.
    const std::vector<std::unique_lock<std::mutex>> turns = all_turns();
    WorkerContext worker = context(CpuId{0});
    AuditReport report;
    audit_everything(worker, report);
    audit_links(report);
    return report.found() + machine.stale_uses.load();
}

}  // namespace shoal::vm::test

// Threads play workers here, and may be preempted while they hold a lock.
void shoal::relax_while_spinning(LockContext& context) {
    vm::test::LockStop::pass(context.cpu());
    std::this_thread::yield();
}
