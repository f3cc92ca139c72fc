#include "bench/guest/vm_calls/partner.hpp"

#include <new>

#include "abi/privileges.hpp"
#include "bench/guest/vm_calls/actor.hpp"
#include "libc-min/system/kernel_facts.hpp"

namespace shoal::bench {
namespace {

constexpr size_t kStackBytes = 4 * kPage;

alignas(kPage) char partner_stack[kStackBytes];  // of each partner its own copy
Partner::Flag* done = nullptr;         // of the latest one

[[noreturn]] void run_partner(Partner::Task task) {
    task();
    done->store(true, std::memory_order_release);  // pairs with await()
    for (Message message;;) (void)receive(kAny, message);
}

// In memory that a copy shares. Messages are no way: a program may name the first slots of the table of processes only.
Partner::Flag& new_flag() {
    void* page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) abort();
    return *(done = new (page) Partner::Flag(false));
}

// May do what programs may, and is a system process: only those are swapped.
Result<void> give_privileges(Endpoint endpoint, uint32_t priority) {
    Privileges privileges{};
    privileges.trap_mask = trap_bit(Trap::Receive) | trap_bit(Trap::SendReceive) | trap_bit(Trap::KernelCall);
    privileges.send_mask[0] = 1;  // to VM
    privileges.manager = kNone;   // as it was made
    privileges.priority = priority;
    privileges.flags = kSystemProcess;
    return kernel_calls::privilege_set(endpoint, VirtualAddress{reinterpret_cast<uint64_t>(&privileges)});
}

Result<CopiedProcess> make_partner(Partner::Task task, unsigned cpu, uint32_t priority) {
    const CopiedProcess copy = TRY(CopiedProcess::of(kernel_facts().process));
    TRY(give_privileges(copy.endpoint(), priority));
    // As after a call (System V ABI, 3.2.2).
    const VirtualAddress top{reinterpret_cast<uint64_t>(partner_stack) + kStackBytes - sizeof(uint64_t)};
    TRY(kernel_calls::process_start(copy.endpoint(), VirtualAddress{reinterpret_cast<uint64_t>(&run_partner)}, top,
                                    reinterpret_cast<uint64_t>(task), cpu));
    return copy;
}

CopiedProcess made_partner(Partner::Task task, unsigned cpu, uint32_t priority) {
    const auto copy = make_partner(task, cpu, priority);
    require(copy, "no partner");
    return copy.value();
}

}  // namespace

Partner::Partner(Task task, unsigned cpu, uint32_t priority) : done_(new_flag()), copy_(made_partner(task, cpu, priority)) {}

Partner::~Partner() {
    require(copy_.end(), "a partner does not end");
    (void)munmap(&done_, kPage);
}

void Partner::await() const {
    while (!done_.load(std::memory_order_acquire)) (void)kernel_calls::thread_yield();  // pairs with run_partner()
}

void Partner::stop() const {
    for (;;) {
        const auto running = kernel_calls::process_stop(endpoint());
        require(running, "a partner cannot be stopped");
        if (running.value() == 0) return;
        (void)kernel_calls::thread_yield();
    }
}

}  // namespace shoal::bench
