// What a system has taken, to be compared before and after something of which nothing is to be left.
#pragma once

#include <cstdint>

#include "base/result.hpp"

namespace shoal::test {

struct Inventory {
    uint64_t processes, threads;  // slots taken
    uint64_t pages;               // free, slabs of VM, or lent to the kernel for tables
    uint64_t slabs, objects;

    // Once the slots have become as few as they are while the caller, alone, has one thread: remembered from the first call.
    static Result<Inventory> take();
    void print(const char* program) const;
    // What is gone since then, or nullptr. slabs: that may be more.
    [[nodiscard]] const char* loss_since(const Inventory& before, uint64_t more_slabs) const;
};

}  // namespace shoal::test
