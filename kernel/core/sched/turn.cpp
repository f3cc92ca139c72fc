#include "kernel/core/sched/turn.hpp"

#include "kernel/core/sched/scheduler.hpp"

namespace shoal::kernel {

bool give_way(Cpu& cpu) {
    if (cpu.turn == Turn::Over || cpu.ready.empty()) {
        cpu.turn = Turn::None;
        cpu.turn_end = TimerQueue::kNever;
        return false;
    }
    if (cpu.turn == Turn::None) {
        cpu.turn = Turn::Lasts;
        cpu.turn_end = machine::now() + kTurn;
        update_timer(cpu);
    }
    return true;
}

// One that has nothing to do any more, since its last turn was not ended, hears NotReady as well, and asks again.
void end_turn(Cpu& cpu) {
    cpu.turn_end = TimerQueue::kNever;
    cpu.turn = Turn::Over;
    Thread* worker = cpu.worker;
    if (worker == nullptr || worker->state != ThreadState::Receiving) return;
    cpu.turn = Turn::None;
    worker->set_result(Error::NotReady);
    make_ready(cpu, *worker);
}

}  // namespace shoal::kernel
