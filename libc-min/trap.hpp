// The traps as inline functions: the only place outside the kernel that knows the registers of
// abi/trap.hpp.
//
// Each returns how the trap itself ended. What a server answered is in the message
// (Message::outcome()), so that "it never got there" and "it said no" stay apart. RBX, RBP, R15 and
// the stack pointer survive a trap; RCX and R11 do not.
#pragma once

#include <cstdint>

#include "abi/endpoint.hpp"
#include "abi/message.hpp"
#include "abi/trap.hpp"
#include "base/error.hpp"

namespace shoal {

// What a trap left in RAX and RDI.
struct TrapResult {
    Error error = Error::None;
    uint64_t status = 0;  // StatusFlags of the message received, if one was

    [[nodiscard]] bool is_notification() const { return (status & kNotification) != 0; }
    [[nodiscard]] bool is_from_kernel() const { return (status & kFromKernel) != 0; }
};

// ipc=trap on the boot line: INT 0x80 instead of SYSCALL. Set once at a program's start, before its second thread.
inline bool trap_by_interrupt = false;

namespace internal {

// Puts the words into their registers, traps, and takes them out again. number: Trap | TrapFlags;
// partners: RDI.
[[gnu::always_inline]] inline TrapResult trap(uint64_t number, uint64_t partners, Message& message) {
    uint64_t* words = message.words;
    register uint64_t word2 asm("r8") = words[2];
    register uint64_t word3 asm("r9") = words[3];
    register uint64_t word4 asm("r10") = words[4];
    register uint64_t word5 asm("r12") = words[5];
    register uint64_t word6 asm("r13") = words[6];
    register uint64_t word7 asm("r14") = words[7];
    uint64_t word0 = words[0], word1 = words[1];
#define SHOAL_TRAP(instruction)                                                                              \
    asm volatile(instruction                                                                                 \
                 : "+a"(number), "+D"(partners), "+S"(word0), "+d"(word1), "+r"(word2), "+r"(word3),         \
                   "+r"(word4), "+r"(word5), "+r"(word6), "+r"(word7)                                        \
                 :                                                                                           \
                 : "rcx", "r11", "cc", "memory")
    if (__builtin_expect(trap_by_interrupt, 0)) {
        SHOAL_TRAP("int $0x80");
    } else {
        SHOAL_TRAP("syscall");
    }
#undef SHOAL_TRAP
    words[0] = word0, words[1] = word1, words[2] = word2, words[3] = word3;
    words[4] = word4, words[5] = word5, words[6] = word6, words[7] = word7;
    return {from_register(static_cast<int64_t>(number)), partners};
}

constexpr uint64_t number_of(Trap trap, uint64_t flags = 0) {
    return static_cast<uint64_t>(trap) | flags;
}
constexpr uint64_t partners_of(Endpoint destination, Endpoint source) {
    return uint64_t{source.raw()} << 32 | destination.raw();
}

}  // namespace internal

// Waits until the destination has received the message.
inline Error send(Endpoint destination, const Message& message) {
    Message copy = message;
    return internal::trap(internal::number_of(Trap::Send),
                          internal::partners_of(destination, kNone), copy)
        .error;
}

// NotReady unless the destination is waiting for it now: what a server answers with.
inline Error send_nonblocking(Endpoint destination, const Message& message) {
    Message copy = message;
    return internal::trap(internal::number_of(Trap::SendNonBlocking),
                          internal::partners_of(destination, kNone), copy)
        .error;
}

// Waits for a message of source (kAny: of anyone).
inline TrapResult receive(Endpoint source, Message& message) {
    return internal::trap(internal::number_of(Trap::Receive), internal::partners_of(kNone, source),
                          message);
}

// As receive, but NotReady instead of waiting.
inline TrapResult receive_nonblocking(Endpoint source, Message& message) {
    return internal::trap(internal::number_of(Trap::Receive, kNonBlocking),
                          internal::partners_of(kNone, source), message);
}

// Asks a server and waits for its answer, which replaces the message.
inline Error send_receive(Endpoint destination, Message& message) {
    return internal::trap(internal::number_of(Trap::SendReceive),
                          internal::partners_of(destination, destination), message)
        .error;
}

// A server's loop in one trap: answers the destination (dropped if it does not wait), then receives
// from source.
inline TrapResult reply_receive(Endpoint destination, Message& message, Endpoint source = kAny) {
    return internal::trap(internal::number_of(Trap::ReplyReceive),
                          internal::partners_of(destination, source), message);
}

inline Error notify(Endpoint destination) {
    Message empty;
    return internal::trap(internal::number_of(Trap::Notify),
                          internal::partners_of(destination, kNone), empty)
        .error;
}

// Arguments in words 1.., results there afterwards; the stubs of kernel_call_stubs.hpp are the
// typed form.
inline Error trap_kernel_call(uint32_t number, Message& message) {
    return internal::trap(internal::number_of(Trap::KernelCall), number, message).error;
}

}  // namespace shoal
