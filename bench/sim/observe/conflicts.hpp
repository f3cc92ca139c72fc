// Lines that two cores touched in their stretches, at least one of them writing: what keeps operations that should be independent
// from running side by side. Not a matter of timing: it does not ask who came first.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <unordered_map>

#include "bench/sim/observe/hot_lines.hpp"

namespace shoal::sim {

class Conflicts {
  public:
    // By the core's own thread, in its stretch.
    void touch(unsigned core, const MemoryAccess& access);

    // Prints and forgets. While no core measures.
    //   CONFLICT physical core:r|w:pc:block:address:count ...   the lines' first reader and writer on each core
    void print(std::FILE* out, BlockNames& names);

  private:
    struct Touch {
        MemoryAccess first{};
        uint64_t count = 0;
    };
    struct Touches {
        Touch read, write;
    };
    struct alignas(128) PerCore {
        std::unordered_map<uint64_t, Touches> lines;
    };
    void print_line(std::FILE* out, BlockNames& names, uint64_t line) const;
    [[nodiscard]] bool is_conflict(uint64_t line) const;

    std::array<PerCore, kMaxCores> cores_;
};

}  // namespace shoal::sim
