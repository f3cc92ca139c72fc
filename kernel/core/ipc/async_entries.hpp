// The entries of a sender's table, in its memory. At the sender's home.
#pragma once

#include "kernel/core/cpu.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

// Decodes the table before it is taken: every page of it present and writable, every entry sound. open: how many wait.
// DoNotReply: the caller is in VM's hands. Invalid: flags that are none, or an entry without kValid that is not 0.
Error check_entries(Thread& sender, VirtualAddress table, uint32_t count, uint32_t& open);

// False: its page is absent; the sender restores its table before it runs again.
bool read_entry(Thread& sender, uint32_t index, AsyncEntry& entry);
// Its owner has it still waiting.
bool waits(const AsyncEntry& entry);
// And it is not yet taken by anybody.
bool is_open(const Thread& sender, uint32_t index, const AsyncEntry& entry);
// Its letter is on its way, and nobody else settles it meanwhile: its owner might put another message there, or somebody get it
// twice. The offers start over when the letter is back.
bool travels(Thread& sender, uint32_t index);
// The entry is done: outcome and kDone go into the table, the news to the sender if it wants any.
void finish_entry(Cpu& cpu, Thread& sender, uint32_t index, const AsyncEntry& entry, Error outcome);
AsyncLetter letter_of(const Thread& sender, const AsyncEntry& entry);

}  // namespace shoal::kernel
