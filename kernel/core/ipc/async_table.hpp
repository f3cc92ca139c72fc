// AsyncTable: a sender's table of asynchronous messages as the kernel keeps book of it. Of the sender's home.
//
// What was delivered is marked in `taken` as well as in the table, so that nothing is delivered twice if the table cannot
// be written at that moment or its owner tampers with it. What could not be written is in `owed`, until it is written; an entry that
// was written may hold another message by now.
#pragma once

#include <cstdint>

#include "abi/endpoint.hpp"
#include "abi/grant.hpp"
#include "base/address.hpp"
#include "kernel/core/mail/mail_node.hpp"

namespace shoal::kernel {

struct AsyncTable {
    VirtualAddress address;
    uint32_t count = 0;  // entries; 0: there is no table
    uint32_t open = 0;   // not yet done; at 0 the table is forgotten
    uint64_t taken[AsyncEntry::kMostEntries / 64] = {};
    uint64_t owed[AsyncEntry::kMostEntries / 64] = {};

    [[nodiscard]] bool was_taken(uint32_t entry) const { return (taken[entry / 64] >> (entry % 64) & 1) != 0; }
    void take(uint32_t entry) { taken[entry / 64] |= uint64_t{1} << (entry % 64); }
    // Delivered, but the table does not say so yet.
    [[nodiscard]] bool is_owed(uint32_t entry) const { return (owed[entry / 64] >> (entry % 64) & 1) != 0; }
    void owe(uint32_t entry) { take(entry), owed[entry / 64] |= uint64_t{1} << (entry % 64); }
    void written(uint32_t entry) { take(entry), owed[entry / 64] &= ~(uint64_t{1} << (entry % 64)); }
    void close_one() {
        if (open != 0) --open;
        if (open == 0) count = 0;
    }
};

// What is offered to a destination.
struct AsyncLetter {
    Endpoint source;
    uint32_t process_slot = 0;   // the sender's, by which the destination remembers it
    bool only_as_reply = false;  // the sender may send only what the destination waits for
    bool no_reply = false;       // must not answer a SendReceive
    Message message;
};

// Carries one letter at a time to another CPU. In the sender.
struct AsyncNode : MailNode {
    AsyncLetter letter;
    uint32_t entry = 0;
    Error outcome = Error::None;
    bool out = false;
    bool stale = false;  // the entry is one of a table that was replaced meanwhile
    bool again = false;  // start over when it is back: another entry has to travel, or somebody asked for the one that does
};

}  // namespace shoal::kernel
