// Drops every cached translation on every CPU, and waits. For what is rare and belongs to no one space: changes of VM's window.
// The flushes of processes are split-phase and the core's own.
#pragma once

#include "base/address.hpp"

namespace shoal::smp {

// Interrupts off. Whoever waits serves others' requests meanwhile, as does whoever spins on a lock (relax_while_spinning), so
// that no two CPUs wait for each other.
void flush_everywhere(VirtualRange range);

// Serves what is requested of this CPU: from the flush interrupt, and from every loop that spins with interrupts off.
void serve_flush();

}  // namespace shoal::smp
