// The sending half of the traps. PROTOCOL.md describes what happens when sender and receiver live on different CPUs.
#pragma once

#include "abi/trap.hpp"
#include "kernel/core/cpu.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

// Send or SendReceive of the current thread: delivers, or has it wait. Fills its RAX if it does not wait.
void send(Cpu& cpu, Thread& sender, Endpoint to, Trap trap);
// SendNonBlocking of the current thread.
void send_non_blocking(Cpu& cpu, Thread& sender, Endpoint to);
// ReplyReceive of the current thread.
enum class Waiting : uint8_t;
void reply_receive(Cpu& cpu, Thread& sender, Endpoint to, Endpoint from, Waiting waiting, bool flush_partner, bool reply);

// At the receiver's home: the sender's message has been taken, or never will be; its home hears of it.
void conclude_send(Cpu& cpu, Thread& sender, Error outcome);
// At the sender's home: goes on after its send.
void complete_send(Cpu& cpu, Thread& sender, Error outcome);
// A question to another CPU (Mail::SendNonBlocking, Notify, Affinity) is answered.
void complete_question(Cpu& cpu, Thread& asker, Error outcome);

// Mail::Send, SendNonBlocking, Reply at the target's home; mail::Completed at the sender's.
void on_send(Cpu& cpu, Thread& sender);
void on_send_non_blocking(Cpu& cpu, Thread& sender);
void on_reply(Cpu& cpu, Thread& target);
void on_completed(Cpu& cpu, Thread& sender);

// A reply that a Held thread would have received stays in the thread's reply node until it goes on: only then its registers are its home's.
// True: it still receives from there, and has the reply in its registers.
bool take_kept_reply(Thread& target, Endpoint from);
// It does something else.
void drop_kept_reply(Thread& target);

// The message of a thread in the target's caller queue goes to the target.
void take_from_queue(Cpu& cpu, Thread& target, Thread& sender);
// The caller posts its request and waits for the answer, which no thread's doing delays.
void ask(Cpu& cpu, Thread& asker, Thread& target, Endpoint endpoint, Mail kind);

// The sender (of this CPU, Sending) must not wait any longer: it will complete with `outcome`, at once or when the
// receiver's home has let go of it.
void withdraw(Cpu& cpu, Thread& sender, Error outcome);
void on_withdraw(Cpu& cpu, Thread& sender);
void on_withdrawn(Cpu& cpu, Thread& sender);

}  // namespace shoal::kernel
