// Where formatted text goes: a function and its state, so that neither a heap nor virtual calls are needed.
#pragma once

#include <cstddef>

#include "base/memory/memory.h"

namespace shoal::libc {

class Sink {
  public:
    using Write = void (*)(void* state, const char* text, size_t bytes);
    Sink(Write write, void* state) : write_(write), state_(state) {}

    void put(const char* text, size_t bytes) {
        if (bytes != 0) write_(state_, text, bytes);
        written_ += bytes;
    }
    void put(char c) { put(&c, 1); }
    void repeat(char c, size_t count) {
        char block[32];
        memset(block, c, sizeof block);
        for (; count > sizeof block; count -= sizeof block) put(block, sizeof block);
        put(block, count);
    }
    [[nodiscard]] size_t written() const { return written_; }

  private:
    Write write_;
    void* state_;
    size_t written_ = 0;
};

}  // namespace shoal::libc
