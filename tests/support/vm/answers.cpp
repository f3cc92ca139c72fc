#include "tests/support/vm/answers.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "abi/vm_call_errors.hpp"
#include "abi/vm_call_names.hpp"

namespace shoal::vm::test {

namespace {

constexpr unsigned kErrors = 256;  // their numbers are below

const char* name_of(Error error) {
    switch (error) {
        case Error::None: return "None";
#define SHOAL_NAME(name, number, text) \
    case Error::name: return #name;
            SHOAL_ERRORS(SHOAL_NAME)
#undef SHOAL_NAME
    }
    return "?";
}

// Any call may answer these; and a thread that is interrupted does not wait for its answer.
bool is_general(Error error) {
    constexpr Error kGeneral[] = {Error::None,        Error::NotImplemented, Error::CallDenied, Error::NoProcess,
                                  Error::Interrupted, Error::InputOutput,    Error::Deadlock};
    return std::ranges::find(kGeneral, error) != std::end(kGeneral);
}

[[noreturn]] void refuse(const char* call, const char* error) {
    fprintf(stderr, "VM has answered %s with %s, which is not in its manual page (abi/vm_calls.toml)\n", call, error);
    abort();
}

void add_to_log(const char* call, const char* error) {
    const char* name = getenv("SHOAL_ANSWERS");
    FILE* file = name != nullptr ? fopen(name, "a") : nullptr;
    if (file == nullptr) return;
    fprintf(file, "%s %s\n", call, error);  // one write, at the end of the file: others add to it, too
    (void)fclose(file);
}

}  // namespace

void note_answer(VmCall call, Error error) {
    static std::atomic<bool> seen[kVmCallLimit][kErrors];
    const auto number = static_cast<uint32_t>(call), code = static_cast<uint32_t>(error);
    if (number >= kVmCallLimit || shoal::name_of(call) == nullptr) return;  // no call
    if (!names_error(call, error) && !is_general(error)) refuse(shoal::name_of(call), name_of(error));
    // relaxed: who of several is first does not matter
    if (!seen[number][code].exchange(true, std::memory_order_relaxed)) add_to_log(shoal::name_of(call), name_of(error));
}

}  // namespace shoal::vm::test
