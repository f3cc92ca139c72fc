// What the one-shot timer is set for: the end of a contested quantum, or of a turn, alarms, time-outs, and an idle CPU's look around.
#include "kernel/core/entry.hpp"
#include "kernel/core/ipc/notify.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/sched/scheduler.hpp"
#include "kernel/core/sched/turn.hpp"
#include "kernel/core/wait/wait_table.hpp"

namespace shoal::kernel {

namespace {

void expire(Cpu& cpu, Timer& timer) {
    Thread& thread = *timer.thread;
    if (timer.kind == Timer::Kind::Alarm) {
        notify_special(cpu, thread, kFromClock);
    } else {
        wait_timed_out(cpu, thread);
    }
}

}  // namespace

void update_timer(Cpu& cpu, uint64_t no_later) {
    uint64_t next = cpu.timers.next_deadline();
    if (cpu.quantum_end < next) next = cpu.quantum_end;
    if (cpu.turn_end < next) next = cpu.turn_end;
    if (no_later < next) next = no_later;
    if (next == cpu.timer_set) return;
    cpu.timer_set = next;
    machine::set_timer(next);
}

void entry::on_timer() {
    Cpu& cpu = machine::this_cpu();
    const uint64_t now = machine::now();
    cpu.timer_set = TimerQueue::kNever;
    while (Timer* timer = cpu.timers.pop_due(now)) expire(cpu, *timer);
    if (cpu.quantum_end <= now) {
        cpu.quantum_end = TimerQueue::kNever;
        cpu.quantum_expired = true;
    }
    if (cpu.turn_end <= now) end_turn(cpu);
    need_choice(cpu);
}

void entry::on_wake() {
    handle_mail(machine::this_cpu());
    need_choice(machine::this_cpu());
}

void entry::on_device_interrupt(uint8_t) {}

}  // namespace shoal::kernel
