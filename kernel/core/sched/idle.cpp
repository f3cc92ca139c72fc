// What a CPU does that has nothing to run: it listens, looks for work elsewhere, and halts.
#include "kernel/core/entry.hpp"
#include "kernel/core/objects/tables.hpp"
#include "kernel/core/sched/migration.hpp"
#include "kernel/core/sched/scheduler.hpp"

namespace shoal::kernel {

namespace {

bool somebody_else_works(const Cpu& self) {
    for (const Cpu& cpu : tables.cpus)
        if (&cpu != &self && cpu.published.load(std::memory_order_relaxed) != Cpu::kAsleep) return true;
    return false;
}

}  // namespace

Mailbox::Watch entry::begin_to_listen() {
    Mailbox& mailbox = machine::this_cpu().mailbox;
    return mailbox.listen() ? mailbox.watch() : Mailbox::Watch{nullptr, nullptr};
}

bool entry::may_halt() {
    Cpu& cpu = machine::this_cpu();
    cpu.publish(Cpu::kAsleep);  // before the listening ends: who posts after that is to see it
    if (!cpu.mailbox.stop_listening()) return false;
    // Not sooner: both read a line of every other CPU.
    look_for_work(cpu);
    update_timer(cpu, somebody_else_works(cpu) ? machine::now() + kIdleCheck : TimerQueue::kNever);
    return true;
}

void entry::end_idling() {
    Cpu& cpu = machine::this_cpu();
    (void)cpu.mailbox.stop_listening();
    cpu.published.store(Cpu::kAwake, std::memory_order_relaxed);  // more urgency needs no order; see Cpu::publish()
    need_choice(cpu);  // mail comes before whomever the interrupt makes ready
}

}  // namespace shoal::kernel
