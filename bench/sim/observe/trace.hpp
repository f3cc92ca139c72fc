// One operation, step by step: the blocks that a core runs and the lines that it touches between two returns from exceptions. In a
// stretch of page faults that is one fault, from the program's next touch to its going on.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <variant>
#include <vector>

#include "bench/sim/model/core.hpp"
#include "bench/sim/observe/hot_lines.hpp"

namespace shoal::sim {

class Trace {
  public:
    // which: the exception return of a stretch after which it records, counted from 1; the next one is the last that it records.
    explicit Trace(uint64_t which) : which_(which) {}

    // By the core's own thread, in its stretch.
    void begin(unsigned core);
    void run(unsigned core, const Block& block, uint64_t clock);
    void touch(unsigned core, const MemoryAccess& access);
    // clock: behind the block that ends with it.
    void exception_return(unsigned core, uint64_t clock);

    // Prints what the first core recorded and forgets all. While no core measures.
    //   STEP block instructions clock      a block that ran, with the clock before it
    //   TOUCH address physical r|w         what it touched
    //   LASTSTEP clock                     the clock behind the last block
    // then STEPEND.
    void print(std::FILE* out, BlockNames& names);

  private:
    struct Step {
        const Block* block;
        uint64_t clock;
    };
    struct PerCore {
        uint64_t returns = 0, end = 0;
        std::vector<std::variant<Step, MemoryAccess>> events;
    };
    // Recorded after that return; the block with the next return is the last.
    [[nodiscard]] bool records(const PerCore& core) const { return core.returns == which_; }

    uint64_t which_;
    std::array<PerCore, kMaxCores> cores_;
};

}  // namespace shoal::sim
