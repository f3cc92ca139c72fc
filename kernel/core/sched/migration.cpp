#include "kernel/core/sched/migration.hpp"

#include "abi/kernel_info.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/hold.hpp"
#include "kernel/core/objects/tables.hpp"
#include "kernel/core/sched/scheduler.hpp"

namespace shoal::kernel {

namespace {

void forget(Cpu& cpu, Thread& thread) {
    unload(cpu, thread);
    if (cpu.current == &thread) cpu.current = nullptr;
    if (thread.queue_link.linked()) cpu.ready.remove(thread);
    cpu.threads.remove(thread);
}

// From here on the thread is the target's.
void depart(Cpu& cpu, Thread& thread, CpuId target) {
    forget(cpu, thread);
    thread.alarm_in_transit = thread.alarm.deadline;
    cpu.timers.cancel(thread.alarm);
    thread.set(kInTransit);
    thread.clear(kMustMove);
    thread.arrive.kind = Mail::Arrive;
    const unsigned priority = thread.priority;
    thread.home.store(target.raw(), std::memory_order_release);  // pairs with Thread::home_cpu()
    post_for(target, thread.arrive, priority);
}

uint32_t load_of(const Cpu& cpu) { return cpu.load.load(std::memory_order_relaxed); }

}  // namespace

CpuId place(uint64_t affinity, CpuId near) {
    if (affinity != kAnyCpu) return CpuId::from(affinity);
    CpuId best = near;
    for (const Cpu& cpu : tables.cpus)
        if (load_of(cpu) < load_of(tables.cpus[best.index()])) best = cpu.id;
    // Ahead of the target's own count, so that a burst of new threads spreads.
    tables.cpus[best.index()].load.fetch_add(1, std::memory_order_relaxed);
    return best;
}

void unload(Cpu& cpu, Thread& thread) {
    if (cpu.fpu_owner == &thread) {
        machine::fpu_save(thread.fpu_state);
        cpu.fpu_owner = nullptr;
    }
    if (cpu.loaded == &thread) cpu.loaded = nullptr;
    if (cpu.bases_owner == &thread) {
        machine::save_bases(thread.bases);
        cpu.bases_owner = nullptr;
    }
}

void migrate(Cpu& cpu, Thread& thread, CpuId target) {
    SHOAL_ASSERT(thread.state == ThreadState::Ready && !thread.is(kWorker));
    // Those who waited for it here count on news of its death from its home.
    thread.watched.store(1, std::memory_order_relaxed);
    depart(cpu, thread, target);
}

void start_thread(Cpu& cpu, Thread& thread) {
    if (start_held(thread)) return;
    if (thread.state != ThreadState::Stopped) return;
    const CpuId home = place(thread.affinity, cpu.id);
    if (home == cpu.id) return make_ready(cpu, thread);
    thread.state = ThreadState::Ready;
    depart(cpu, thread, home);
}

void leave_this_cpu(Cpu& cpu, Thread& thread) { migrate(cpu, thread, place(thread.affinity, cpu.id)); }

void apply_affinity(Cpu& cpu, Thread& thread, uint64_t affinity) {
    thread.affinity = affinity;
    if (affinity == kAnyCpu || affinity == cpu.id.raw()) {
        thread.clear(kMustMove);
        return;
    }
    thread.set(kMustMove);
    if (thread.state != ThreadState::Ready || thread.is(kInTransit)) return;
    if (cpu.current == &thread) {
        need_choice(cpu);  // it goes when it is about to run
    } else {
        migrate(cpu, thread, CpuId::from(affinity));
    }
}

void arrive(Cpu& cpu, Thread& thread) {
    thread.clear(kInTransit);
    cpu.threads.push_back(thread);
    if (thread.async.count != 0) thread.set(kRestoreAsync);  // this CPU may lack the pages, and has other neighbours
    if (thread.alarm_in_transit != 0) cpu.timers.add(thread.alarm, thread.alarm_in_transit);
    thread.alarm_in_transit = 0;
    make_ready(cpu, thread);
    if (thread.is(kStopOnArrival)) end_thread(cpu, thread);
}

void look_for_work(Cpu& cpu) {
    // Not again at once: what waits there may be pinned, and the question costs the victim an interrupt.
    const uint64_t now = machine::now();
    if (cpu.stealing || now < cpu.next_steal) return;
    Cpu* victim = nullptr;
    for (Cpu& other : tables.cpus)
        if (load_of(other) > 1 && (victim == nullptr || load_of(other) > load_of(*victim))) victim = &other;
    if (victim == nullptr || victim == &cpu) return;
    cpu.stealing = true;
    cpu.next_steal = now + kIdleCheck;
    cpu.steal.kind = Mail::Steal;
    cpu.steal.thief = cpu.id;
    post_now(victim->id, cpu.steal);
}

void give_away(Cpu& cpu, Cpu::StealNode& node) {
    Thread* chosen = nullptr;
    cpu.ready.find([&](Thread& thread) {
        const bool may_leave = thread.affinity == kAnyCpu && !thread.is(kWorker);
        if (may_leave) chosen = &thread;
        return may_leave;
    });
    if (chosen != nullptr && (cpu.current != nullptr || cpu.ready.size() > 1)) migrate(cpu, *chosen, node.thief);
    node.kind = Mail::StealHome;
    post_for(node.thief, node, kPriorities);
}

void steal_is_home(Cpu& cpu) { cpu.stealing = false; }

}  // namespace shoal::kernel
