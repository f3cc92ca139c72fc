// Which instructions pay for remote lines, and which lines these are.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstdio>
#include <map>
#include <vector>

#include "bench/sim/model/core.hpp"
#include "bench/sim/model/line_directory.hpp"
#include "bench/sim/observe/block.hpp"

namespace shoal::sim {

// One access to memory: by what, where, how.
struct MemoryAccess {
    const Block* block;
    uint64_t pc;
    uint64_t address;   // virtual
    uint64_t physical;
    AccessKind kind;
};

class HotLines {
  public:
    // By the core's own thread, in its stretch.
    void miss(unsigned core, const MemoryAccess& access, uint64_t cycles);
    // Prints the costliest and forgets all. While no core measures.
    //   HOT pc cycles                                    by instruction
    //   HOTLINE pc block address physical r|w misses cycles   by instruction and line; of many lines of one instruction the
    //   last printed has the costs of the rest
    void print(std::FILE* out, BlockNames& names);

  private:
    struct Key {
        uint64_t pc, line;
        AccessKind kind;
        auto operator<=>(const Key&) const = default;
    };
    struct Cost {
        MemoryAccess first;
        uint64_t misses = 0, cycles = 0;
    };
    using Costs = std::map<Key, Cost>;
    [[nodiscard]] Costs sum();
    static void keep_few(std::vector<Cost>& lines);

    std::array<Costs, kMaxCores> cores_;
};

}  // namespace shoal::sim
