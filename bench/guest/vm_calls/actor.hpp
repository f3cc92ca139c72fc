// What the rows share that run in a process of their own.
#pragma once

#include <stdio.h>

#include "base/error.hpp"
#include "bench/guest/pages.hpp"

namespace shoal::bench {

// Memory that an actor keeps from its first round on.
inline char* resident(size_t bytes) {
    static char* memory = nullptr;
    if (memory == nullptr) {
        memory = map(bytes);
        touch(memory, bytes);
    }
    return memory;
}

[[noreturn]] inline void fail(const char* what, Error error) {
    printf("vm_calls: %s: %s\n", what, error_text(error));
    abort();
}

template <typename Outcome>
void require(const Outcome& outcome, const char* otherwise) {
    if (!outcome.ok()) fail(otherwise, outcome.error());
}

}  // namespace shoal::bench
