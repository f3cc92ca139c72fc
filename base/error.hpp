// The closed set of error codes that kernel, servers and programs share.
//
// Numbers below 200 are POSIX's; the others are the IPC and kernel-call errors of the system itself. A register or a
// message carries an error as its negated number, 0 is success.
#pragma once

#include <cstdint>

namespace shoal {

// name, number, text
#define SHOAL_ERRORS(ERROR)                                                       \
    ERROR(Permission, 1, "operation not permitted")                               \
    ERROR(NoEntry, 2, "no such entry")                                            \
    ERROR(NoProcess, 3, "no such process")                                        \
    ERROR(Interrupted, 4, "interrupted")                                          \
    ERROR(InputOutput, 5, "input or output failed")                               \
    ERROR(NoDevice, 6, "no such device or address")                               \
    ERROR(TooBig, 7, "argument list too long")                                    \
    ERROR(BadExecutable, 8, "executable format error")                            \
    ERROR(BadDescriptor, 9, "bad file descriptor")                                \
    ERROR(NoChild, 10, "no child process")                                        \
    ERROR(Again, 11, "resource temporarily unavailable")                          \
    ERROR(NoMemory, 12, "out of memory")                                          \
    ERROR(AccessDenied, 13, "permission denied")                                  \
    ERROR(BadAddress, 14, "bad address")                                          \
    ERROR(Busy, 16, "resource busy")                                              \
    ERROR(Exists, 17, "already exists")                                           \
    ERROR(Invalid, 22, "invalid argument")                                        \
    ERROR(Range, 34, "result out of range")                                       \
    ERROR(Deadlock, 35, "resource deadlock avoided")                              \
    ERROR(NotImplemented, 38, "no such call")                                     \
    ERROR(Loop, 40, "too many links to follow")                                    \
    ERROR(TimedOut, 110, "timed out")                                             \
    ERROR(Restart, 200, "service asks to be started afresh")                      \
    ERROR(NotReady, 201, "the other side is not ready")                           \
    ERROR(DeadSourceOrDestination, 202, "the partner died while we waited for it") \
    ERROR(DoNotReply, 203, "no reply now")                                        \
    ERROR(Generic, 204, "unspecified error")                                      \
    ERROR(Locked, 208, "the wait would close a cycle")                            \
    ERROR(BadCall, 209, "no such trap")                                           \
    ERROR(CallDenied, 210, "call or destination not allowed")                     \
    ERROR(TrapDenied, 211, "trap not allowed")                                    \
    ERROR(BadRequest, 212, "no such kernel call")                                 \
    ERROR(DeadEndpoint, 215, "endpoint of a process that has died")               \
    ERROR(BadEndpoint, 216, "not an endpoint")                                    \
    ERROR(BadCpu, 217, "no such CPU")

enum class Error : uint16_t {
    None = 0,
#define SHOAL_ERROR_ENUMERATOR(name, number, text) name = number,
    SHOAL_ERRORS(SHOAL_ERROR_ENUMERATOR)
#undef SHOAL_ERROR_ENUMERATOR
};

constexpr const char* error_text(Error error) {
    switch (error) {
        case Error::None: return "success";
#define SHOAL_ERROR_TEXT(name, number, text) \
    case Error::name: return text;
            SHOAL_ERRORS(SHOAL_ERROR_TEXT)
#undef SHOAL_ERROR_TEXT
    }
    return "unknown error";
}

// Whether a number that came from elsewhere is one of these.
constexpr bool is_error(uint64_t number) {
#define SHOAL_ERROR_IS(name, value, text) number == (value) ||
    return SHOAL_ERRORS(SHOAL_ERROR_IS) number == 0;
#undef SHOAL_ERROR_IS
}

// What a register or a message word holds: 0 or the negated number.
constexpr int64_t to_register(Error error) { return -static_cast<int64_t>(error); }

constexpr Error from_register(int64_t value) {
    return value < 0 ? static_cast<Error>(static_cast<uint16_t>(-value)) : Error::None;
}

}  // namespace shoal
