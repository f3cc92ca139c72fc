// Action: what a worker tells the kernel next: answer a caller, let a thread go on, or nothing. The worker's loop turns it
// into one trap, which also receives the next message; the host harness plays the kernel's part.
//
// The message of a reply is not in it: it stands where the request came in (Exchange), so that no message is copied.
#pragma once

#include "abi/endpoint.hpp"
#include "base/address.hpp"
#include "base/error.hpp"

namespace shoal::vm {

enum class PartnerTlb : uint8_t {
    Keep,
    Flush,  // entries that only this CPU can have cached were removed: flushed before the partner runs again
};

// A last-level table to be linked for this CPU.
struct TableLink {
    VirtualAddress base;
    PhysicalAddress table;  // 0: none
    [[nodiscard]] bool wanted() const { return table.raw() != 0; }
};

struct Action {
    enum class Kind : uint8_t { None, Reply, Resume };

    Kind kind = Kind::None;
    PartnerTlb tlb = PartnerTlb::Keep;
    Endpoint partner;        // caller, or thread to resume
    uint32_t sequence = 0;   // Resume: of the fault
    Error error = Error::None;  // Resume: why it cannot be served
    TableLink link;          // Resume

    static Action none() { return {}; }
    static Action resume(Endpoint thread, uint32_t sequence, TableLink link) {
        Action action;
        action.kind = Kind::Resume;
        action.partner = thread;
        action.sequence = sequence;
        action.link = link;
        return action;
    }
    static Action refuse(Endpoint thread, uint32_t sequence, Error error) {
        Action action = resume(thread, sequence, {});
        action.error = error;
        return action;
    }
    // The exchange's message goes to the caller.
    static Action reply(Endpoint caller, PartnerTlb tlb) {
        Action action;
        action.kind = Kind::Reply;
        action.partner = caller;
        action.tlb = tlb;
        return action;
    }
};

}  // namespace shoal::vm
