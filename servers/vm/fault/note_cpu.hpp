// Which CPUs have a leaf's table linked, seen from whoever touches a page of it.
#pragma once

#include "servers/vm/fault/touched.hpp"
#include "servers/vm/leaf/leaf.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// Under the leaf's lock. True: its table is to be linked for this CPU.
[[gnu::always_inline]] inline bool note_cpu(const WorkerContext& context, Leaf& leaf, Toucher toucher) {
    if (toucher == Toucher::Vm || leaf.cpus.contains(context.cpu())) return false;
    leaf.cpus.add(context.cpu());
    return true;
}

}  // namespace shoal::vm
