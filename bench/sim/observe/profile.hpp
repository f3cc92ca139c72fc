// Where the cycles go: by block and by the chain of calls that led to it. All cycles count, also those that wait for lines.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <unordered_map>

#include "bench/sim/model/core.hpp"
#include "bench/sim/observe/block.hpp"
#include "bench/sim/observe/call_stacks.hpp"

namespace shoal::sim {

class Profile {
  public:
    // By the core's own thread. clock: at the beginning of the block, before its own charges.
    void run(unsigned core, const Block& block, uint64_t clock);
    void call(unsigned core, uint64_t stack_address) { cores_[core].stacks.call(stack_address); }
    void ret(unsigned core, uint64_t stack_address) { cores_[core].stacks.ret(stack_address); }
    // Between these a core's cycles count.
    void begin(unsigned core, uint64_t clock);
    void end(unsigned core, uint64_t clock);

    // Prints and forgets. While no core measures.
    //   PROF pc cycles                  by block
    //   STACK cycles block;block;block  outermost callee first, the block itself last
    void print(std::FILE* out, BlockNames& names);

  private:
    struct Place {
        CallTree::Node node;
        const Block* block;
        bool operator==(const Place&) const = default;
    };
    struct PlaceHash {
        size_t operator()(const Place& place) const {
            return (size_t{place.node} << 32 | place.block->id) * 0x9e3779b97f4a7c15;
        }
    };
    struct alignas(128) PerCore {
        CallStacks stacks;
        std::unordered_map<Place, uint64_t, PlaceHash> cycles;
        Place current{CallTree::kRoot, nullptr};
        uint64_t since = 0;
        bool counts = false;

        void charge(uint64_t clock);
    };
    static void print_stack(std::FILE* out, BlockNames& names, const CallTree& tree, Place place,
                            uint64_t cycles);

    std::array<PerCore, kMaxCores> cores_;
};

}  // namespace shoal::sim
