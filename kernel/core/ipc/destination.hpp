// Whom a trap names, and whether the caller may send there.
#pragma once

#include "kernel/core/objects/tables.hpp"

namespace shoal::kernel {

// Why no living thread has that name. Invalid: a reserved name that is no destination.
Error why_not_found(Endpoint endpoint);

// Whether sender's process may send to the process in a slot unasked. Threads of one process may always.
inline bool may_send(const Thread& sender, uint32_t process_slot) {
    const Privileges& privileges = sender.process->privileges;
    if (process_slot < 64 * Privileges::kSendWords &&
        (privileges.send_mask[process_slot / 64] >> (process_slot % 64) & 1) != 0)
        return true;
    return process_slot == slot_of(*sender.process);
}

// VM's workers have names of their own but are reached as kVm only: their answers come from there, so that who sent to the other
// name would wait for ever. At the target's home.
inline bool is_reached_as(const Thread& target, Endpoint name) { return target.source_name == name; }

// may_send() for a thread of any CPU. False as well if it has died meanwhile: the home finds that out.
bool may_send_to(const Thread& sender, const Thread& target, Endpoint endpoint);

}  // namespace shoal::kernel
