// The heap against a model that knows every block: none overlaps another, all are aligned and keep their contents, and what was
// mapped for large ones is unmapped again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "libc-min/heap/heap.hpp"
#include "libc-min/heap/size_class.hpp"
#include "libc-min/include/stdlib.h"
#include "tests/support/effort.hpp"
#include "tests/support/seed.hpp"
#include "tests/unit/libc/host_platform.hpp"

namespace {

namespace ours = shoal::libc;
using shoal::test::mapped_bytes;

struct Block {
    unsigned char* start;
    size_t bytes;
    uint64_t pattern;

    // Both ends and some places between, so that long blocks cost no more than short ones.
    template <typename Visit>
    void visit(Visit each) const {
        const size_t step = std::max<size_t>(1, bytes / 64);
        for (size_t at = 0; at + 1 < bytes; at += step) each(start[at], static_cast<unsigned char>(pattern + at));
        if (bytes != 0) each(start[bytes - 1], static_cast<unsigned char>(~pattern));
    }
    void paint() const {
        visit([](unsigned char& place, unsigned char value) { place = value; });
    }
    void expect_intact() const {
        unsigned wrong = 0;
        visit([&](const unsigned char& place, unsigned char value) { wrong += place != value ? 1 : 0; });
        ASSERT_EQ(wrong, 0u) << "a block of " << bytes << " bytes";
    }
};

// The blocks that are out, by address; shared by all threads.
class Model {
  public:
    void add(const Block& block) {
        const auto start = reinterpret_cast<uintptr_t>(block.start), end = start + std::max<size_t>(block.bytes, 1);
        std::lock_guard guard(lock_);
        const auto next = blocks_.lower_bound(start);
        const bool reaches_into_next = next != blocks_.end() && next->first < end;
        const bool begins_inside = next != blocks_.begin() && std::prev(next)->second > start;
        ASSERT_FALSE(reaches_into_next || begins_inside) << "a block of " << block.bytes << " bytes overlaps another";
        blocks_[start] = end;
    }
    // Before the heap may give it to somebody else.
    void remove(const Block& block) {
        std::lock_guard guard(lock_);
        ASSERT_EQ(blocks_.erase(reinterpret_cast<uintptr_t>(block.start)), 1u);
    }
    [[nodiscard]] bool empty() const { return blocks_.empty(); }

  private:
    std::mutex lock_;
    std::map<uintptr_t, uintptr_t> blocks_;
};

// What threads hand to each other: any thread may free what another allocated.
class Pool {
  public:
    void put(const Block& block) {
        std::lock_guard guard(lock_);
        blocks_.push_back(block);
    }
    bool take(Block& block, uint64_t random) {
        std::lock_guard guard(lock_);
        if (blocks_.empty()) return false;
        std::swap(blocks_[random % blocks_.size()], blocks_.back());
        block = blocks_.back();
        blocks_.pop_back();
        return true;
    }

  private:
    std::mutex lock_;
    std::vector<Block> blocks_;
};

class Worker {
  public:
    Worker(uint64_t seed, Model& model, Pool& pool) : random_(seed), model_(model), pool_(pool) {}

    void step() {
        Block block{};
        switch (random_() % 8) {
            case 0: case 1: case 2: case 3: return keep(allocate());
            case 4:
                if (pool_.take(block, random_())) change(block);
                return;
            default:
                if (pool_.take(block, random_())) release(block);
        }
    }
    void release_all() {
        for (Block block{}; pool_.take(block, 0);) release(block);
        ours::flush_thread_cache();
    }

  private:
    size_t random_bytes() {
        switch (random_() % 16) {
            case 0: return random_() % 300'000;
            case 1: return 32'768 - 40 + random_() % 80;  // the largest class and the first mapped block
            case 2: return 0;
            case 3: case 4: case 5: return random_() % 9'000;
            default: return random_() % 300;
        }
    }
    Block allocate() {
        const size_t bytes = random_bytes();
        size_t alignment = 16;
        void* start = nullptr;
        switch (random_() % 4) {
            case 0:
                alignment = size_t{1} << random_() % 18;
                start = ours::aligned_alloc(alignment, bytes);
                break;
            case 1:
                alignment = sizeof(void*) << random_() % 10;
                EXPECT_EQ(ours::posix_memalign(&start, alignment, bytes), 0);
                break;
            case 2:
                start = ours::calloc(bytes, 1);
                expect_zero(static_cast<unsigned char*>(start), bytes);
                break;
            default: start = ours::malloc(bytes);
        }
        EXPECT_NE(start, nullptr);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(start) % alignment, 0u);
        EXPECT_GE(ours::malloc_usable_size(start), bytes);
        return {static_cast<unsigned char*>(start), bytes, random_()};
    }
    static void expect_zero(const unsigned char* start, size_t bytes) {
        EXPECT_TRUE(std::all_of(start, start + bytes, [](unsigned char byte) { return byte == 0; }));
    }
    void keep(const Block& block) {
        model_.add(block);
        block.paint();
        pool_.put(block);
    }
    // realloc moves or stays: as long as the old block is in the model nobody else may be given its place.
    void change(Block block) {
        block.expect_intact();
        std::vector<unsigned char> before(block.start, block.start + block.bytes);
        const size_t wanted = 1 + random_bytes();
        model_.remove(block);
        block.start = static_cast<unsigned char*>(ours::realloc(block.start, wanted));
        const size_t kept = std::min(block.bytes, wanted);
        EXPECT_TRUE(std::equal(before.begin(), before.begin() + static_cast<ptrdiff_t>(kept), block.start));
        keep({block.start, wanted, random_()});
    }
    void release(const Block& block) {
        block.expect_intact();
        model_.remove(block);
        ours::free(block.start);
    }

    std::mt19937_64 random_;
    Model& model_;
    Pool& pool_;
};

void run(unsigned threads, int steps) {
    const uint64_t seed = shoal::test::seed();
    Model model;
    Pool pool;
    std::vector<std::thread> running;
    for (unsigned id = 0; id < threads; ++id)
        running.emplace_back([&, id] {
            Worker worker(seed + id, model, pool);
            for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) worker.step();
            ours::flush_thread_cache();
        });
    for (std::thread& thread : running) thread.join();
    Worker(seed, model, pool).release_all();
    EXPECT_TRUE(model.empty());
}

TEST(HeapModel, OneThread) { run(1, shoal::test::effort(40'000)); }
TEST(HeapModel, FourThreads) { run(4, shoal::test::effort(10'000)); }

TEST(HeapModel, LargeBlocksAreGivenBackWhole) {
    std::mt19937_64 random(shoal::test::seed());
    const size_t before = mapped_bytes();
    std::vector<void*> blocks;
    for (int i = 0; i < 300; ++i) {
        const size_t bytes = ours::SizeClass::kMaxBytes + 1 + random() % 200'000, alignment = size_t{1} << random() % 20;
        blocks.push_back(random() % 2 == 0 ? ours::malloc(bytes) : ours::aligned_alloc(alignment, bytes));
        if (random() % 4 == 0) blocks.back() = ours::realloc(blocks.back(), 2 * bytes);
    }
    EXPECT_GT(mapped_bytes(), before + 300 * ours::SizeClass::kMaxBytes);
    for (void* block : blocks) ours::free(block);
    EXPECT_EQ(mapped_bytes(), before);
}

// Small memory stays with the process, and is used again: doing the same over and over does not take more.
TEST(HeapModel, SmallMemoryIsUsedAgainByAnyThread) {
    const auto round = [] {
        std::vector<void*> blocks;
        for (size_t bytes = 1; bytes <= ours::SizeClass::kMaxBytes; bytes += bytes / 8 + 1)
            for (int i = 0; i < 20; ++i) blocks.push_back(ours::malloc(bytes));
        for (void* block : blocks) ours::free(block);
        ours::flush_thread_cache();
    };
    std::thread(round).join();
    const size_t before = mapped_bytes();
    for (int i = 0; i < 10; ++i) std::thread(round).join();
    EXPECT_EQ(mapped_bytes(), before);
}

}  // namespace
