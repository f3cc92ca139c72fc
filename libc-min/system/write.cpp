#include "abi/kernel_call_stubs.hpp"
#include "libc-min/include/errno.h"
#include "libc-min/include/unistd.h"

namespace {

constexpr size_t kMaxPiece = 1024;  // of console_write

}  // namespace

SHOAL_C_BEGIN

ssize_t write(int descriptor, const void* block, size_t bytes) {
    if (descriptor != STDOUT_FILENO && descriptor != STDERR_FILENO) {
        errno = EINVAL;
        return -1;
    }
    const auto start = reinterpret_cast<uint64_t>(block);
    for (size_t at = 0; at < bytes; at += kMaxPiece) {
        const size_t piece = bytes - at < kMaxPiece ? bytes - at : kMaxPiece;
        const auto written =
            shoal::kernel_calls::console_write(shoal::VirtualAddress{start + at}, piece);
        if (written.ok()) continue;
        errno = static_cast<int>(written.error());
        return at == 0 ? -1 : static_cast<ssize_t>(at);
    }
    return static_cast<ssize_t>(bytes);
}

SHOAL_C_END
