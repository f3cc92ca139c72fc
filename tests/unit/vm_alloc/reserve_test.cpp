#include "servers/vm/reserve.hpp"

#include <gtest/gtest.h>

#include "workers.hpp"

namespace shoal::vm {
namespace {

struct Node {
    static constexpr SlabType kSlabType = SlabType::Test;
    uint64_t words[8] = {};
};
struct Table {
    static constexpr SlabType kSlabType = SlabType::Run;
    uint64_t words[60] = {};
};

TEST(Reserve, HoldsWhatWasAskedForAtOnce) {
    HostArena arena({});
    Worker& worker = arena.worker(0);
    for (int round = 0; round < 100; ++round) {
        ASSERT_TRUE((Reserve::ensure<Node, Table>(worker, Reserve::kFaultFrames, {3, 1}).ok()));
        const uint64_t slabs =
            worker.slabs.slabs(SlabType::Test) + worker.slabs.slabs(SlabType::Run);
        for (int i = 0; i < 3; ++i) worker.slabs.create_reserved<Node>();
        worker.slabs.create_reserved<Table>();
        for (uint32_t i = 0; i < Reserve::kFaultFrames; ++i)
            (void)worker.frames.allocate_reserved();
        // No slab was made while the locks would have been held.
        ASSERT_EQ(worker.slabs.slabs(SlabType::Test) + worker.slabs.slabs(SlabType::Run), slabs);
    }
}

// At the very end of memory either everything is there or the refusal comes first, before anything was taken.
TEST(Reserve, RefusesBeforeAnythingIsTaken) {
    HostArena arena({.bytes = 8 << 20, .cpus = 1});
    Worker& worker = arena.worker(0);
    int rounds = 0;
    for (;; ++rounds) {
        const int64_t nodes = worker.slabs.live(SlabType::Test);
        auto held = Reserve::ensure<Node, Table>(worker, 2, {1, 2});
        if (!held) {
            EXPECT_EQ(held.error(), Error::NoMemory);
            EXPECT_EQ(worker.slabs.live(SlabType::Test), nodes);
            break;
        }
        worker.slabs.create_reserved<Node>();
        worker.slabs.create_reserved<Table>();
        worker.slabs.create_reserved<Table>();
        (void)worker.frames.allocate_reserved();
        (void)worker.frames.allocate_reserved();
    }
    EXPECT_GT(rounds, 100);
}

}  // namespace
}  // namespace shoal::vm
