#include "kernel/core/ipc/async_entries.hpp"

#include <cstddef>
#include <cstring>

#include "kernel/core/ipc/notify.hpp"
#include "kernel/core/objects/hold.hpp"
#include "kernel/core/objects/tables.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel {

namespace {

constexpr uint32_t kKnownFlags = AsyncEntry::kValid | AsyncEntry::kDone | AsyncEntry::kNotify | AsyncEntry::kNoReply |
                                 AsyncEntry::kNotifyError;

VirtualAddress entry_at(VirtualAddress table, uint32_t index) { return table + index * sizeof(AsyncEntry); }

bool sound(const AsyncEntry& entry) {
    return entry.flags == 0 || ((entry.flags & ~kKnownFlags) == 0 && (entry.flags & AsyncEntry::kValid) != 0);
}

// result before kDone: the sender's other threads may look on.
Error write_outcome(Thread& sender, uint32_t index, const AsyncEntry& entry, Error outcome) {
    const VirtualAddress at = entry_at(sender.async.address, index);
    const int64_t result = to_register(outcome);
    const uint32_t flags = entry.flags | AsyncEntry::kDone;
    const Error error = space::write_user_now(*sender.process, at + offsetof(AsyncEntry, result), &result, sizeof(result));
    if (error != Error::None) return error;
    return space::write_user_now(*sender.process, at + offsetof(AsyncEntry, flags), &flags, sizeof(flags));
}

}  // namespace

bool waits(const AsyncEntry& entry) { return (entry.flags & (AsyncEntry::kValid | AsyncEntry::kDone)) == AsyncEntry::kValid; }

Error check_entries(Thread& sender, VirtualAddress table, uint32_t count, uint32_t& open) {
    open = 0;
    for (uint32_t i = 0; i < count; ++i) {
        AsyncEntry entry;
        const VirtualAddress at = entry_at(table, i);
        if (const Error error = space::read_user(sender, &entry, at, sizeof(entry)); error != Error::None) return error;
        if (!sound(entry)) return Error::Invalid;
        if (!waits(entry)) continue;
        // The same bytes again, flags to result: whoever cannot write them learns so now.
        const Error error = space::write_user(sender, at, &entry, offsetof(AsyncEntry, words));
        if (error != Error::None) return error;
        ++open;
    }
    return Error::None;
}

bool read_entry(Thread& sender, uint32_t index, AsyncEntry& entry) {
    const Error error = space::read_user_now(*sender.process, &entry, entry_at(sender.async.address, index), sizeof(entry));
    if (error != Error::None) sender.set(kRestoreAsync);
    return error == Error::None;
}

bool is_open(const Thread& sender, uint32_t index, const AsyncEntry& entry) {
    return waits(entry) && !sender.async.was_taken(index);
}

bool travels(Thread& sender, uint32_t index) {
    AsyncNode& node = sender.async_offer;
    if (!node.out || node.stale || node.entry != index) return false;
    node.again = true;
    return true;
}

void finish_entry(Cpu& cpu, Thread& sender, uint32_t index, const AsyncEntry& entry, Error outcome) {
    if (write_outcome(sender, index, entry, outcome) != Error::None) {
        // A failure is found anew when the entry is offered again; a delivery must not be.
        if (outcome == Error::None) sender.async.owe(index);
        return sender.set(kRestoreAsync);
    }
    sender.async.written(index);
    sender.async.close_one();
    if (sender.state == ThreadState::Held) count_if_quiet(sender);
    const uint32_t wanted = AsyncEntry::kNotify | (outcome != Error::None ? uint32_t{AsyncEntry::kNotifyError} : 0);
    if ((entry.flags & wanted) != 0) notify_special(cpu, sender, kFromAsync);
}

AsyncLetter letter_of(const Thread& sender, const AsyncEntry& entry) {
    AsyncLetter letter{sender.source_name, slot_of(*sender.process), false, (entry.flags & AsyncEntry::kNoReply) != 0, {}};
    std::memcpy(letter.message.words, entry.words, sizeof(letter.message.words));
    return letter;
}

}  // namespace shoal::kernel
