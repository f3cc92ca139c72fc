// From a Result to what POSIX functions return.
#pragma once

#include "base/result.hpp"
#include "libc-min/include/errno.h"

namespace shoal::libc {

// 0, or -1 with errno.
template <typename T>
int to_status(const Result<T>& result) {
    if (result.ok()) return 0;
    errno = static_cast<int>(result.error());
    return -1;
}

}  // namespace shoal::libc
