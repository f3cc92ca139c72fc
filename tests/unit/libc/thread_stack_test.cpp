// Where threads live: stack, thread-local variables and block in one mapping, a guard below, and what is kept for the next.
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

#include "libc-min/thread/stack_pool.hpp"
#include "tests/unit/libc/host_platform.hpp"

namespace {

namespace ours = shoal::libc;
using ours::StackPool;
using ours::ThreadBlock;
using shoal::test::mapped_bytes;
using shoal::test::tls_image;

alignas(64) char first_values[100];

class ThreadStack : public testing::Test {
  protected:
    ThreadStack() {
        for (size_t i = 0; i < sizeof first_values; ++i) first_values[i] = static_cast<char>(i + 1);
        tls_image = {first_values, 100, 300, 32};
        ours::pthread_attr_init(&attributes);
    }
    // Variables end where the block begins, as far as their alignment lets them.
    static char* variables_of(ThreadBlock* block) {
        const size_t room = (tls_image.memory_bytes + tls_image.alignment - 1) / tls_image.alignment * tls_image.alignment;
        return reinterpret_cast<char*>(block) - room;
    }
    static void expect_first_values(ThreadBlock* block) {
        const char* variables = variables_of(block);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(variables) % tls_image.alignment, 0u);
        EXPECT_EQ(std::memcmp(variables, first_values, tls_image.file_bytes), 0);
        for (size_t i = tls_image.file_bytes; i < tls_image.memory_bytes; ++i) ASSERT_EQ(variables[i], 0) << i;
    }
    static char* stack_bottom(const ThreadBlock* block) { return static_cast<char*>(block->mapping) + block->guard_bytes; }
    static void end_of_thread(ThreadBlock* block) { block->alive.store(0); }

    StackPool pool;
    ours::pthread_attr_t attributes;
};

TEST_F(ThreadStack, HasItsPartsInOrder) {
    ThreadBlock* block = pool.allocate(attributes);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(block->self, block);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 64, 0u);
    expect_first_values(block);
    EXPECT_GE(static_cast<size_t>(variables_of(block) - stack_bottom(block)), attributes.stack_bytes);
    EXPECT_LE(reinterpret_cast<char*>(block + 1), static_cast<char*>(block->mapping) + block->mapping_bytes);
    std::memset(stack_bottom(block), 1, static_cast<size_t>(variables_of(block) - stack_bottom(block)));
    expect_first_values(block);
    pool.release(block);
}

TEST_F(ThreadStack, SuitsEveryAlignmentOfVariables) {
    for (size_t alignment = 1; alignment <= 4096; alignment *= 2)
        for (const size_t bytes : {size_t{0}, size_t{1}, size_t{100}, size_t{5000}}) {
            tls_image = {first_values, std::min<size_t>(bytes, 100), bytes, alignment};
            ThreadBlock* block = pool.allocate(attributes);
            expect_first_values(block);
            EXPECT_GE(static_cast<size_t>(variables_of(block) - stack_bottom(block)), attributes.stack_bytes);
            EXPECT_LE(reinterpret_cast<char*>(block + 1), static_cast<char*>(block->mapping) + block->mapping_bytes);
            pool.release(block);
        }
}

using ThreadStackDeathTest = ThreadStack;

TEST_F(ThreadStackDeathTest, OverflowMeetsTheGuard) {
    ThreadBlock* block = pool.allocate(attributes);
    EXPECT_DEATH(*(stack_bottom(block) - 1) = 1, "");
    pool.release(block);
}

TEST_F(ThreadStack, IsUsedAgainWithFirstValues) {
    ThreadBlock* block = pool.allocate(attributes);
    void* const mapping = block->mapping;
    std::memset(variables_of(block), 0xee, tls_image.memory_bytes);
    pool.release(block);
    block = pool.allocate(attributes);
    EXPECT_EQ(block->mapping, mapping);
    EXPECT_EQ(block->state.load(), ThreadBlock::kJoinable);
    EXPECT_EQ(block->alive.load(), 1u);
    expect_first_values(block);
    pool.release(block);
}

TEST_F(ThreadStack, ADetachedOneIsUsedAgainWhenItsThreadHasLeft) {
    ThreadBlock* block = pool.allocate(attributes);
    void* const mapping = block->mapping;
    pool.retire(block);
    ThreadBlock* other = pool.allocate(attributes);
    EXPECT_NE(other->mapping, mapping) << "a thread still stands on it";
    end_of_thread(block);
    ThreadBlock* third = pool.allocate(attributes);
    EXPECT_EQ(third->mapping, mapping);
    pool.release(other);
    pool.release(third);
}

TEST_F(ThreadStack, OfAnotherSizeIsNotGivenOut) {
    ThreadBlock* usual = pool.allocate(attributes);
    pool.release(usual);
    ours::pthread_attr_t large = attributes;
    ASSERT_EQ(ours::pthread_attr_setstacksize(&large, size_t{8} << 20), 0);
    ASSERT_EQ(ours::pthread_attr_setguardsize(&large, 3 * 4096), 0);
    ThreadBlock* block = pool.allocate(large);
    EXPECT_EQ(block->guard_bytes, 3u * 4096);
    EXPECT_GE(static_cast<size_t>(variables_of(block) - stack_bottom(block)), size_t{8} << 20);
    pool.release(block);
}

TEST_F(ThreadStack, NoMoreThanAFewAreKept) {
    constexpr size_t kMany = 100, kMostKept = 32;
    const size_t before = mapped_bytes();
    std::vector<ThreadBlock*> blocks;
    for (size_t i = 0; i < kMany; ++i) blocks.push_back(pool.allocate(attributes));
    const size_t each = blocks.front()->mapping_bytes;
    EXPECT_EQ(mapped_bytes(), before + kMany * each);
    for (ThreadBlock* block : blocks) pool.release(block);
    EXPECT_LE(mapped_bytes(), before + kMostKept * each);
}

TEST_F(ThreadStack, AttributesRefuseWhatCannotBe) {
    EXPECT_EQ(ours::pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN - 1), EINVAL);
    EXPECT_EQ(ours::pthread_attr_setstacksize(&attributes, ~size_t{0}), EINVAL);
    EXPECT_EQ(ours::pthread_attr_setguardsize(&attributes, ~size_t{0}), EINVAL);
    EXPECT_EQ(ours::pthread_attr_setdetachstate(&attributes, 2), EINVAL);
    EXPECT_EQ(ours::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED), 0);
    EXPECT_EQ(attributes.detached, PTHREAD_CREATE_DETACHED);
    EXPECT_EQ(ours::pthread_attr_setcpu_np(&attributes, 3), 0);
    EXPECT_EQ(attributes.cpu, 3u);
    EXPECT_EQ(ours::pthread_attr_destroy(&attributes), 0);
}

// A size that no memory can satisfy.
TEST_F(ThreadStack, WithoutMemoryThereIsNone) {
    ASSERT_EQ(ours::pthread_attr_setstacksize(&attributes, size_t{1} << 40), 0);
    std::vector<ThreadBlock*> blocks;
    const size_t before = mapped_bytes();
    ThreadBlock* block = nullptr;
    while (blocks.size() < 200 && (block = pool.allocate(attributes)) != nullptr) blocks.push_back(block);
    EXPECT_EQ(block, nullptr) << "200 TiB";
    for (ThreadBlock* each : blocks) {
        shoal::libc::platform::unmap_pages(each->mapping, each->mapping_bytes);
    }
    EXPECT_EQ(mapped_bytes(), before);
}

}  // namespace
