// The turn of a CPU's threads beside long work of its VM worker, which is above them all.
//
// A worker that asks for a message with kGiveWay has work of its own to go on with, and has just done a step of it. It gets NotReady when there has been
// a turn of kTurn since, or at once while no other thread is ready. Messages reach it as ever: a fault is served, and the turn goes on afterwards.
#pragma once

#include "kernel/core/cpu.hpp"

namespace shoal::kernel {

inline constexpr uint64_t kTurn = 100'000;  // [ns]

// Whether the worker is to wait, for a message or the end of the turn. The thread that is handed the CPU next counts as ready already.
bool give_way(Cpu& cpu);

// The time is over, or nobody is left to use it: a worker that waits goes on.
void end_turn(Cpu& cpu);

}  // namespace shoal::kernel
