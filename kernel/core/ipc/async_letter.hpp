// The destination's half of an offer.
#pragma once

#include "kernel/core/cpu.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

// To a thread of this CPU: it gets the message if it waits for it. NotReady: not now; it remembers the sender and asks when
// it next receives. CallDenied.
Error hand_letter(Cpu& cpu, Thread& target, const AsyncLetter& letter);

}  // namespace shoal::kernel
