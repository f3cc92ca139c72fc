// What lies in a mailbox.
#pragma once

#include <atomic>
#include <cstdint>

#include "abi/endpoint.hpp"
#include "base/cpu.hpp"

namespace shoal::kernel {

struct Thread;

// Who reads what: the comment names the CPU that handles it, and the sender of the node. kernel/core/ipc/PROTOCOL.md has
// the whole story of the first group.
enum class Mail : uint8_t {
    None,
    // IPC. Home of the target; then back to the home of the sender.
    Send,             // request node of a sender that waits
    SendNonBlocking,  // likewise; answered at once
    Notify,           // likewise
    Completed,        // back at the sender's home: the request's outcome
    Reply,            // reply node of the receiver: a ReplyReceive whose sender does not wait
    Withdraw,         // withdraw node of a sender that must not wait any longer
    Withdrawn,        // back at the sender's home
    Probe,            // probe node: the search for a cycle; home of the next thread in the chain
    ProbeHome,        // back at the initiator's home
    AsyncOffer,       // async node of a sender, with one of its messages
    AsyncOffered,     // back at the sender's home
    AsyncPull,        // request node of a receiver, to the home of a sender that may have a message for it
    // Threads.
    Stop,             // home of a thread of a killed process
    Hold,             // home of a thread whose process is stopped or resumed (hold node of the thread)
    Start,            // home of a thread that was created on that CPU and is to run
    Arrive,           // new home of a migrating thread
    Resume,           // home of a thread in a VM worker's hands
    ResumeAsked,      // likewise, in the request node of a worker that waits: the thread's own was away. Answered by Completed
    Wake,             // home of a thread taken out of a wait bucket
    Affinity,         // home of a thread whose CPU another one sets (request node of that one); answered by Completed
    Steal,            // a CPU with waiting threads; node of the idle CPU
    StealHome,
    // Processes. Node of the process.
    PartnerDied,      // goes round all CPUs: who waits to receive from the dead?
    ManagerNotice,    // home of the manager's first thread
    // For the worker of the handling CPU (kernel/core/ipc/worker.hpp).
    WorkerMessage,
    // kernel/core/space/: handled by space::on_mail().
    Space,
};

struct MailNode {
    MailNode* next = nullptr;
    Mail kind = Mail::None;
    uint8_t flags = 0;
    uint16_t count = 0;         // Send, Withdraw: the number of the send, modulo 2^16
    Endpoint target;            // for whom it was posted; compared with the thread found there
    Thread* thread = nullptr;   // in which the node lies, if in one; constant
};

// A node that several CPUs may want: taken by compare-and-swap against the endpoint, so that a claim for a dead
// incarnation fails.
struct ClaimableNode : MailNode {
    std::atomic<uint32_t> claimable{0};  // the owner's endpoint; 0 while taken or closed

    // True: the caller owns the node until the consumer frees it.
    [[nodiscard]] bool claim(Endpoint owner) {
        uint32_t expected = owner.raw();
        if (expected == 0) return false;  // no thread's name
        // pairs with release(): the consumer's reads of the last payload come before our writes
        return claimable.compare_exchange_strong(expected, 0, std::memory_order_seq_cst);
    }
    void release(Endpoint owner) { claimable.store(owner.raw(), std::memory_order_seq_cst); }  // pairs with claim()
};

}  // namespace shoal::kernel
