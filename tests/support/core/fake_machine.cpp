#include "tests/support/core/fake_machine.hpp"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "abi/kernel_info.hpp"
#include "base/assert.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/mail/post.hpp"

namespace shoal::kernel::machine {

namespace {

thread_local CpuId self;
std::atomic<bool> wake_pending[kMaxCpus];
std::atomic<uint64_t> deadline[kMaxCpus];
std::atomic<uint64_t> time_now{1};

}  // namespace

Cpu& this_cpu() { return tables.cpus[self.index()]; }
Cpu& cpu(CpuId id) { return tables.cpus[id.index()]; }
uint32_t cpu_count() { return static_cast<uint32_t>(tables.cpus.size()); }
uint64_t now() { return time_now.load(std::memory_order_relaxed); }
void set_timer(uint64_t when) { deadline[self.index()].store(when, std::memory_order_relaxed); }
void wake(CpuId target) {
    test::FakeMachine::ipis.fetch_add(1, std::memory_order_relaxed);
    if (test::FakeMachine::on_ipi) test::FakeMachine::interpose(target);
    wake_pending[target.index()].store(true, std::memory_order_release);  // pairs with take_wake()
}
uint64_t fpu_state_bytes() { return 64; }
void fpu_init(void*) { test::FakeMachine::fpu_inits.fetch_add(1, std::memory_order_relaxed); }
void fpu_save(void*) {}
void fpu_restore(const void*) {}
void fpu_exchange(void*, const void*) {}
void save_bases(SegmentBases& bases) {
    bases.fs = test::FakeMachine::fs_base.load(std::memory_order_relaxed);
    bases.gs = test::FakeMachine::gs_base.load(std::memory_order_relaxed);
}
void load_bases(const SegmentBases& bases) {
    test::FakeMachine::fs_base.store(bases.fs, std::memory_order_relaxed);
    test::FakeMachine::gs_base.store(bases.gs, std::memory_order_relaxed);
    test::FakeMachine::base_loads.fetch_add(1, std::memory_order_relaxed);
}
void exchange_bases(SegmentBases& saved, const SegmentBases& loaded) {
    save_bases(saved);
    load_bases(loaded);
}
void console_write(const char* text, uint64_t bytes) { test::FakeMachine::console.append(text, bytes); }
void end_system(uint64_t status) { std::exit(static_cast<int>(status)); }

namespace {
bool take_wake() { return wake_pending[self.index()].exchange(false, std::memory_order_acquire); }  // pairs with wake()
bool take_timer() {
    if (deadline[self.index()].load(std::memory_order_relaxed) > now()) return false;
    set_timer(kNoDeadline);
    return true;
}
}  // namespace

}  // namespace shoal::kernel::machine

namespace shoal::test {

using namespace kernel;

FakeMachine::FakeMachine(uint32_t cpus, uint32_t processes, uint32_t threads) {
    const CoreLimits limits{cpus, processes, threads};
    const uint64_t bytes = core_bytes(limits) + kPageSize;
    memory_ = std::make_unique<char[]>(bytes);
    for (size_t i = 0; i < cpus; ++i) {
        become(CpuId::from(i));
        machine::set_timer(machine::kNoDeadline);
        machine::take_wake();
    }
    become(CpuId{0});
    initialise({limits, memory_.get()});
    console.clear();
    ipis = fpu_inits = 0;
    on_ipi = nullptr;
    prepare_spaces(limits);
    create_vm_workers();
    create_boot_process(kRsSlot, "rs", kNone);
    create_boot_process(kPmSlot, "pm", kRs);
}

FakeMachine::~FakeMachine() { become(CpuId{0}); }

void FakeMachine::become(CpuId cpu) { machine::self = cpu; }

Thread* FakeMachine::turn(CpuId cpu) {
    become(cpu);
    if (machine::this_cpu().current == nullptr) entry::end_idling();
    if (machine::take_wake()) entry::on_wake();
    if (machine::take_timer()) entry::on_timer();
    for (;;) {
        Thread* next = entry::next_thread();
        if (next != nullptr || halt()) return next;
    }
}

bool FakeMachine::halt() { return entry::begin_to_listen().word != nullptr && entry::may_halt(); }

void FakeMachine::settle() {
    for (bool busy = true; busy;) {
        busy = false;
        for (Cpu& cpu : tables.cpus) {
            turn(cpu.id);
            busy = busy || !cpu.mailbox.empty();
        }
        for (Cpu& cpu : tables.cpus) busy = busy || machine::wake_pending[cpu.id.index()].load(std::memory_order_relaxed);
    }
}

Privileges FakeMachine::everything(uint32_t flags, uint32_t priority) {
    Privileges privileges{};
    privileges.trap_mask = ~uint64_t{0};
    for (uint64_t& word : privileges.send_mask) word = ~uint64_t{0};
    for (uint64_t& word : privileges.kernel_call_mask) word = ~uint64_t{0};
    privileges.manager = kRs;
    privileges.priority = priority;
    privileges.flags = flags | kNoFpu;
    return privileges;
}

Endpoint FakeMachine::spawn(CpuId cpu, uint32_t flags, uint32_t priority) {
    return spawn(cpu, everything(flags, priority));
}

Endpoint FakeMachine::spawn(CpuId cpu, const Privileges& privileges) {
    become(cpu);
    auto created = create_process(machine::this_cpu(), "program", kRs, kRs);
    SHOAL_CHECK(created.ok());
    SHOAL_CHECK(set_privileges(machine::this_cpu(), created->endpoint, privileges).ok());
    const ThreadStart start{VirtualAddress{0x1000}, VirtualAddress{0x2000}, 0, 0, cpu.raw()};
    SHOAL_CHECK(start_process(machine::this_cpu(), created->endpoint, start).ok());
    settle();
    return created->endpoint;
}

void FakeMachine::bring_to_run(Thread& thread) {
    SHOAL_CHECK(thread.state == ThreadState::Ready);
    const CpuId home = thread.home_cpu();
    become(home);
    Cpu& cpu = machine::this_cpu();
    if (cpu.current != &thread) {  // as if its turn had come
        cpu.ready.remove(thread);
        if (cpu.current != nullptr) cpu.ready.push_back(*cpu.current);
        cpu.current = &thread;
        cpu.handoff_limit = -1;
    }
}

void FakeMachine::interpose(CpuId target) {
    const CpuId interrupted = machine::self;
    const auto act = std::exchange(on_ipi, nullptr);
    act(target);
    become(interrupted);
}

void FakeMachine::enter(Endpoint who, uint64_t number, Endpoint to, Endpoint from, const Message& message) {
    Thread& caller = thread(who);
    bring_to_run(caller);
    caller.registers.rax = number;
    caller.registers.rdi = uint64_t{from.raw()} << 32 | to.raw();
    caller.registers.set_message(message);
    entry::on_syscall(caller);
}

Error FakeMachine::trap(Endpoint who, uint64_t number, Endpoint to, Endpoint from, const Message& message) {
    enter(who, number, to, from, message);
    settle();
    return waits(who) ? Error::DoNotReply : outcome(who);
}

void FakeMachine::enter_call(Endpoint who, uint64_t number, const Message& message) {
    enter(who, static_cast<uint64_t>(Trap::KernelCall), Endpoint{static_cast<uint32_t>(number)},
          Endpoint{static_cast<uint32_t>(number >> 32)}, message);
}

Error FakeMachine::call(Endpoint who, uint64_t number, Message& message) {
    enter_call(who, number, message);
    settle();
    message = thread(who).registers.message();
    return waits(who) ? Error::DoNotReply : outcome(who);
}

Error FakeMachine::outcome(Endpoint who) { return from_register(static_cast<int64_t>(thread(who).registers.rax)); }
bool FakeMachine::waits(Endpoint who) { return thread(who).endpoint() != who || thread(who).state != ThreadState::Ready; }

void FakeMachine::advance(uint64_t nanoseconds) {
    machine::time_now.fetch_add(nanoseconds, std::memory_order_relaxed);
    settle();
}

}  // namespace shoal::test
