// Kernel calls console_write and system_end.
#include "abi/kernel_call_dispatch.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel::calls {

namespace {

constexpr uint64_t kMostBytes = 1024;

char printable(char c) {
    const bool control = (c >= 0 && c < ' ') || c == 0x7f;
    return control && c != '\n' && c != '\t' ? '?' : c;
}

}  // namespace

Result<void> console_write(Thread& caller, const ConsoleWriteArguments& arguments) {
    if (arguments.bytes > kMostBytes) return Error::Invalid;
    char text[kMostBytes];
    const Error error = space::read_user(caller, text, arguments.address, arguments.bytes);
    if (error != Error::None) return error;
    // --- commit point ---
    for (uint64_t i = 0; i < arguments.bytes; ++i) text[i] = printable(text[i]);
    machine::console_write(text, arguments.bytes);
    return {};
}

[[gnu::noreturn]] Result<void> system_end(Thread&, const SystemEndArguments& arguments) {
    machine::end_system(arguments.status);
}

}  // namespace shoal::kernel::calls
