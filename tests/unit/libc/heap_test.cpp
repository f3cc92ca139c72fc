// The heap: random operations whose blocks keep their content, alignments, and threads that free each other's blocks.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "libc-min/heap/heap.hpp"
#include "libc-min/heap/size_class.hpp"
#include "libc-min/include/stdlib.h"
#include "tests/support/effort.hpp"
#include "tests/support/seed.hpp"

namespace {

namespace ours = shoal::libc;
using ours::SizeClass;

TEST(SizeClasses, HoldWhatTheySayAndWasteLittle) {
    unsigned last = 0;
    for (size_t bytes = 1; bytes <= SizeClass::kMaxBytes; ++bytes) {
        const SizeClass size = SizeClass::holding(bytes);
        ASSERT_LT(size.index(), SizeClass::kCount);
        ASSERT_GE(size.bytes(), bytes);
        ASSERT_GE(size.index(), last);
        if (size.index() > 0) {
            ASSERT_LT(SizeClass(size.index() - 1).bytes(), bytes);
        }
        if (bytes > SizeClass::kLinearLimit) {
            ASSERT_LE(size.bytes() - bytes, size.bytes() / 5);
        }
        last = size.index();
    }
}

struct Block {
    unsigned char* start;
    size_t bytes;
    unsigned char fill;

    void paint() const { std::memset(start, fill, bytes); }
    [[nodiscard]] bool intact() const {
        for (size_t i = 0; i < bytes; ++i)
            if (start[i] != fill) return false;
        return true;
    }
};

class Actor {
  public:
    explicit Actor(uint64_t seed) : random_(seed) {}

    size_t random_bytes() {
        switch (random_() % 8) {
            case 0: return random_() % 200'000;
            case 1: return random_() % 40'000;
            default: return random_() % 600;
        }
    }

    Block allocate() {
        const size_t bytes = random_bytes();
        void* start = nullptr;
        if (random_() % 4 == 0) {
            const size_t alignment = size_t{1} << random_() % 18;
            start = ours::aligned_alloc(alignment, bytes);
            EXPECT_EQ(reinterpret_cast<uintptr_t>(start) % alignment, 0u);
        } else {
            start = ours::malloc(bytes);
            EXPECT_EQ(reinterpret_cast<uintptr_t>(start) % 16, 0u);
        }
        EXPECT_GE(ours::malloc_usable_size(start), bytes);
        const Block block{static_cast<unsigned char*>(start), bytes,
                          static_cast<unsigned char>(random_())};
        block.paint();
        return block;
    }

    void change(Block& block) {
        const size_t kept = block.bytes, wanted = random_bytes();
        block.start = static_cast<unsigned char*>(ours::realloc(block.start, wanted));
        block.bytes = std::min(kept, wanted);
        EXPECT_TRUE(block.intact());
        block.bytes = wanted;
        block.paint();
    }

    std::mt19937_64& random() { return random_; }

  private:
    std::mt19937_64 random_;
};

TEST(Heap, RandomOperationsKeepContents) {
    Actor actor(shoal::test::seed());
    std::vector<Block> blocks;
    for (int i = 0; i < shoal::test::effort(50'000); ++i) {
        const uint64_t choice = actor.random()() % 8;
        if (blocks.size() < 500 && (choice < 4 || blocks.empty())) {
            blocks.push_back(actor.allocate());
            continue;
        }
        Block& block = blocks[actor.random()() % blocks.size()];
        ASSERT_TRUE(block.intact());
        if (choice == 7) {
            actor.change(block);
        } else {
            ours::free(block.start);
            block = blocks.back();
            blocks.pop_back();
        }
    }
    for (const Block& block : blocks) ours::free(block.start);
    ours::flush_thread_cache();
}

TEST(Heap, ThreadsFreeEachOthersBlocks) {
    constexpr unsigned kThreads = 4;
    constexpr int kOperations = shoal::test::effort(10'000);
    const uint64_t seed = shoal::test::seed();
    struct Slot {
        std::atomic<Block*> block{nullptr};
    };
    std::vector<Slot> slots(256);
    const auto work = [&](unsigned id) {
        Actor actor(seed + id);
        for (int i = 0; i < kOperations; ++i) {
            auto* mine = static_cast<Block*>(ours::malloc(sizeof(Block)));
            *mine = actor.allocate();
            // acq_rel: pairs with itself in the other threads; a block and its content change hands
            Block* old = slots[actor.random()() % slots.size()].block.exchange(
                mine, std::memory_order_acq_rel);
            if (old == nullptr) continue;
            EXPECT_TRUE(old->intact());
            ours::free(old->start);
            ours::free(old);
        }
        ours::flush_thread_cache();
    };
    std::vector<std::thread> threads;
    for (unsigned id = 0; id < kThreads; ++id) threads.emplace_back(work, id);
    for (std::thread& thread : threads) thread.join();
    for (Slot& slot : slots)
        if (Block* block = slot.block.load(); block != nullptr) {
            EXPECT_TRUE(block->intact());
            ours::free(block->start);
            ours::free(block);
        }
}

TEST(Heap, ZeroedAndOverflowing) {
    for (size_t bytes : {1ul, 100ul, 5000ul, 100'000ul}) {
        void* dirty = ours::malloc(bytes);
        std::memset(dirty, 0xff, bytes);
        ours::free(dirty);
        auto* clean = static_cast<unsigned char*>(ours::calloc(bytes, 1));
        for (size_t i = 0; i < bytes; ++i) ASSERT_EQ(clean[i], 0);
        ours::free(clean);
    }
    volatile size_t huge = ~size_t{0} / 2;
    EXPECT_EQ(ours::calloc(huge, 3), nullptr);
    EXPECT_EQ(ours::malloc(huge), nullptr);
    EXPECT_EQ(ours::aligned_alloc(3, 8), nullptr);
    ours::free(nullptr);
}

TEST(HeapDeathTest, RefusesForeignPointers) {
    static char not_ours[1 << 18];
    EXPECT_DEATH(ours::free(not_ours + (1 << 17)), "magic");
}

}  // namespace
