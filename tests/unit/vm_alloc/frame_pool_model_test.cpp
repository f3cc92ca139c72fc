// The pool against a plain bit map: random operations of every kind, compared after each.
#include <gtest/gtest.h>

#include <optional>

#include "workers.hpp"

namespace shoal::vm {
namespace {

class PoolModel : public testing::Test {
  protected:
    static constexpr uint64_t kBytes = 24 << 20;
    HostArena arena{{.bytes = kBytes, .cpus = 1, .holes = {{FrameNumber{1500}, 300}}}};
    FramePool& pool = arena.pool();
    std::vector<bool> free = std::vector<bool>(kBytes >> kPageShift);
    uint64_t seed = test::fresh_seed();
    std::mt19937_64 random{seed};
    uint32_t reservation = FrameTree::kNobody;
    struct Piece {
        FrameNumber first;
        uint64_t count;
        enum { Single, Aligned, Range, Areas } kind;
    };
    std::vector<Piece> taken;

    void SetUp() override {
        for (uint64_t i = 0; i < free.size(); ++i)
            free[i] = arena.table()[at(i)].kind() == FrameKind::Free;
    }
    static FrameNumber at(uint64_t index) { return HostArena::kFirstFrame + index; }
    void set(FrameNumber first, uint64_t count, bool value) {
        for (uint64_t i = 0; i < count; ++i) {
            const uint64_t index = (first + i).raw() - HostArena::kFirstFrame.raw();
            ASSERT_LT(index, free.size());
            ASSERT_NE(free[index], value);
            free[index] = value;
        }
    }
    bool model_has(FrameNumber first, uint64_t count) const {
        const uint64_t start = first.raw() - HostArena::kFirstFrame.raw();
        for (uint64_t i = start; i < start + count; ++i) {
            if (i >= free.size() || !free[i]) return false;
        }
        return true;
    }
    void record(FrameNumber first, uint64_t count, decltype(Piece::kind) kind) {
        set(first, count, false);
        taken.push_back({first, count, kind});
    }

    void take_batch() {
        FrameNumber frames[64];
        const auto wanted = static_cast<uint32_t>(1 + random() % 64);
        const uint64_t there = pool.free_frames();
        // A whole area that nobody took is 512 frames of `there` too, so only emptiness may shorten a batch.
        const uint32_t got = pool.take_some(CpuId{0}, &reservation, frames, wanted);
        ASSERT_EQ(got, there < wanted ? there : wanted);
        for (uint32_t i = 0; i < got; ++i) record(frames[i], 1, Piece::Single);
    }
    void take_aligned() {
        constexpr unsigned kOrders[] = {0, 1, 2, 3, 4, 5, 6, 9};
        const unsigned order = kOrders[random() % 8];
        const uint64_t count = uint64_t{1} << order;
        auto first = pool.take_aligned(CpuId{0}, order);
        if (first) {
            ASSERT_EQ(first->raw() % count, 0u);
            return record(*first, count, Piece::Aligned);
        }
        const uint64_t skew = (count - HostArena::kFirstFrame.raw() % count) % count;
        for (uint64_t i = skew; i + count <= free.size(); i += count)
            ASSERT_FALSE(model_has(at(i), count));
    }
    void take_range() {
        const uint64_t start = random() % free.size(), room = free.size() - start;
        const uint64_t count = 1 + random() % (room < 700 ? room : 700);
        ASSERT_EQ(pool.take_range({at(start), count}).ok(), model_has(at(start), count));
        if (model_has(at(start), count)) record(at(start), count, Piece::Range);
    }
    void take_areas() {
        auto first = pool.take_areas(2);
        if (first) record(*first, 2 * kFramesPerArea, Piece::Areas);
    }
    // Found if and only if there is one, in one area or of whole ones.
    void take_block() {
        FrameBlock wanted{static_cast<uint32_t>(1 + random() % (random() % 4 == 0 ? 1600 : 40))};
        if (random() % 2 == 0) wanted.alignment = 1u << random() % 10;
        if (random() % 2 == 0) wanted.below = at(random() % free.size());
        uint32_t left = pool.areas();
        auto first = pool.take_block(wanted, left);
        EXPECT_EQ(left, 0u) << "this pool is searched in one go";
        if (first) {
            ASSERT_EQ(first->raw() % wanted.alignment, 0u);
            ASSERT_LE((*first + wanted.frames).raw(), wanted.below.raw());
            return record(*first, wanted.frames, Piece::Range);
        }
        const bool areas = wanted.frames > kFramesPerArea;
        const uint64_t step = areas ? kFramesPerArea : wanted.alignment;
        const uint64_t needed = areas ? (wanted.frames + kFramesPerArea - 1) / kFramesPerArea * kFramesPerArea : wanted.frames;
        for (uint64_t i = (step - HostArena::kFirstFrame.raw() % step) % step; i + needed <= free.size(); i += step) {
            const bool one_area = at(i).raw() / kFramesPerArea == (at(i).raw() + needed - 1) / kFramesPerArea;
            if ((!areas && !one_area) || (at(i) + needed).raw() > wanted.below.raw()) continue;
            ASSERT_FALSE(model_has(at(i), needed)) << wanted.frames << " frames at " << at(i).raw();
        }
    }
    void give_back() {
        if (taken.empty()) return;
        std::swap(taken[random() % taken.size()], taken.back());
        const Piece piece = taken.back();
        taken.pop_back();
        set(piece.first, piece.count, true);
        switch (piece.kind) {
            case Piece::Single:
                return pool.give(&piece.first, 1);
            case Piece::Range:
                return pool.give_range({piece.first, piece.count});
            case Piece::Areas:
                return pool.give_areas(piece.first, 2);
            case Piece::Aligned:
                return pool.give_aligned(piece.first,
                                         static_cast<unsigned>(std::countr_zero(piece.count)));
        }
    }
    void compare() {
        uint64_t sum = 0;
        for (uint64_t i = 0; i < free.size(); ++i) {
            sum += free[i];
            ASSERT_EQ(pool.is_free(at(i)), free[i]) << "frame " << i;
        }
        ASSERT_EQ(pool.free_frames(), sum);
    }
};

TEST_F(PoolModel, AgreesWithBitMap) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    for (int step = 0; step < 12'000; ++step) {
        switch (random() % 9) {
            case 0:
                take_batch();
                break;
            case 1:
                take_aligned();
                break;
            case 2:
                take_range();
                break;
            case 3:
                if (step % 16 == 0) take_areas();
                break;
            case 4:
                take_block();
                break;
            default:
                give_back();
                break;
        }
        if (step % 128 == 0) compare();
        if (HasFatalFailure()) return;
    }
    compare();
}

// Guarantee (f): after a crash between counts and bits the counts are made from the bits.
TEST_F(PoolModel, RecountsFromBits) {
    for (int i = 0; i < 40; ++i) take_batch();
    const uint64_t before = pool.free_frames();
    FrameTree& first_tree =
        *reinterpret_cast<FrameTree*>(reinterpret_cast<uint64_t>(&pool) + kCacheLine);
    ASSERT_GT(first_tree.areas[7].promise(7), 0u);  // a taker died after this
    ASSERT_NE(pool.free_frames(), before);
    pool.recount();
    EXPECT_EQ(pool.free_frames(), before);
    compare();
}

}  // namespace
}  // namespace shoal::vm
