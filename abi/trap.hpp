// The traps: what a SYSCALL (or INT 0x80 under ipc=trap) asks for, and its registers.
//
// in   RAX  trap number | TrapFlags
//      RDI  low half: destination; high half: source to receive from (kAny allowed)
//      message registers (abi/message.hpp)
// out  RAX  0 or a negated error
//      RDI  StatusFlags of what was received
//      message registers: what was received
// RCX and R11 are lost to SYSCALL; RBX, RBP, R15 and RSP are kept.
#pragma once

#include <cstdint>

namespace shoal {

enum class Trap : uint8_t {
    Send = 1,
    Receive = 2,
    SendReceive = 3,      // send to and then receive from the destination only
    Notify = 4,
    SendNonBlocking = 5,  // NotReady unless the receiver waits
    SendAsync = 16,       // RDX: address of AsyncEntry[], R8: count (abi/grant.hpp). For the first threads of system processes
    ReplyReceive = 17,    // SendNonBlocking to the destination, then Receive: a server's loop in one trap. A reply that
                          // cannot be delivered is dropped (the client died), the receive goes on.
    KernelCall = 32,      // RDI: number from kernel_calls.toml; words 1..7 arguments and results
    Resume = 33,          // VM workers: finish a fault or memory request, then receive the next (below)
};

enum TrapFlags : uint64_t {
    kTrapNumberMask = 0xff,
    kNonBlocking = 1 << 8,    // Receive, ReplyReceive, Resume: NotReady instead of waiting
    kFlushPartner = 1 << 9,   // ReplyReceive, Resume by VM: on this CPU the partner's space is flushed from the TLB before it
                              // runs again (a flag for the next load, no instruction now)
    kNoReply = 1 << 10,       // ReplyReceive: no partner, only receive (VM's loop after a request that it parked)
    kGiveWay = 1 << 11,       // with kNonBlocking, by VM: but first the CPU's other threads have their turn (kernel/core/sched/turn.hpp)
};

// Resume: RDI low half = the thread's endpoint, high half = the sequence number of the fault; stale ones are ignored.
//   RSI  0: run the thread again (a memory request's call is replayed); else the negated error: a fault kills the process with
//        a message, a memory request's call returns that error
//   RDX  0, or the 2 MiB-aligned address whose last-level table is to be linked for this CPU
//   R8   physical address of that table
// NoMemory (nothing done, nothing received): the kernel lacks frames for upper tables; VM lends an area and tries again.

enum StatusFlags : uint64_t {
    kStatusTrapMask = 0x3f,        // the sender's trap
    kFromKernel = 1 << 16,         // made by the kernel: cannot be forged
    kNotification = 1 << 17,
    kTablesLow = 1 << 18,          // to VM: the kernel's stock of frames for upper tables is low; lend an area
};

}  // namespace shoal
