// The trees of a leaf: who has which pages when regions come, go, grow, split and become one; and random changes against an array
// of pages and an array of regions.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>

#include "servers/vm/leaf/run_forest.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

constexpr PageState kWritable{Ownership::Exclusive, Access::read_write()};
constexpr PageState kReadable{Ownership::Exclusive, Access::read()};

class Forest : public ::testing::Test {
  protected:
    void reserve() {
        ASSERT_TRUE(slabs.ensure<RunTree>(RunForest::kMostNewTrees).ok());
        ASSERT_TRUE(slabs.ensure<shoal::vm::Run>(RunForest::kMostNewRuns).ok());
    }
    void add(PageSpan region, unsigned page, PageState state = kWritable) {
        reserve();
        const FrameNumber frame{1000 + frames_++};
        forest.add(slabs, *table, region, page, state, frame);
        table->set(page, PageEntry{frame, state.access});
    }
    void add_all(PageSpan region) {
        for (unsigned page = region.first; page < region.end; ++page) add(region, page);
    }
    void remove(PageSpan span) {
        reserve();
        forest.remove(slabs, *table, span);
        for (unsigned page = span.first; page < span.end; ++page) table->set(page, {});
    }
    void unmap(PageSpan span) {
        remove(span);
        forest.cut(slabs, span);
    }
    void isolate(PageSpan span) {
        reserve();
        forest.isolate(slabs, *table, span);
    }
    // As the short munmap.
    void vacate(PageSpan span) {
        ASSERT_NE(forest.whole(span), nullptr);
        forest.vacate(slabs, *table, span);
        for (unsigned page = span.first; page < span.end; ++page) table->set(page, {});
    }
    [[nodiscard]] std::vector<PageSpan> borders() const {
        std::vector<PageSpan> found;
        forest.for_each_tree([&](const RunTree& tree) { found.push_back(tree.span()); });
        return found;
    }
    [[nodiscard]] std::vector<PageSpan> runs() const {
        std::vector<PageSpan> found;
        forest.for_each([&](const shoal::vm::Run& run) { found.push_back(run.span()); });
        return found;
    }
    void TearDown() override {
        EXPECT_TRUE(forest.sound());
        forest.clear(slabs);
        EXPECT_EQ(slabs.live(SlabType::RunTree), 0);
        EXPECT_EQ(slabs.live(SlabType::Run), 0);
    }

    Harness vm{{.cpus = 1, .bytes = 8 << 20}};
    SlabCaches& slabs = vm.arena().worker(0).slabs;
    std::unique_ptr<PageTable> table = std::make_unique<PageTable>();
    RunForest forest;

  private:
    uint64_t frames_ = 0;
};

using Spans = std::vector<PageSpan>;

TEST_F(Forest, NeighbouringRegionsHaveATreeEachAndShareNoRun) {
    add_all({4, 8});
    add_all({8, 12});
    EXPECT_EQ(borders(), (Spans{{4, 8}, {8, 12}}));
    EXPECT_EQ(runs(), (Spans{{4, 8}, {8, 12}}));
}

TEST_F(Forest, ATreeGoesWithItsLastPageUnlessItWasUsedLast) {
    add_all({4, 8});
    add_all({8, 12});
    remove({4, 12});
    EXPECT_TRUE(forest.empty());
    EXPECT_EQ(borders(), (Spans{{8, 12}}));
    add({20, 24}, 20);
    EXPECT_EQ(borders(), (Spans{{20, 24}}));
}

TEST_F(Forest, UnmappingLeavesATreeOnEitherSide) {
    add_all({0, 30});
    unmap({10, 20});
    EXPECT_EQ(borders(), (Spans{{0, 10}, {20, 30}}));
    unmap({5, 25});
    EXPECT_EQ(borders(), (Spans{{0, 5}, {25, 30}}));
    unmap({0, 30});
    EXPECT_EQ(borders(), Spans{});
}

TEST_F(Forest, UnmappingWhereOnlyOneSideHasPagesLeavesOneTree) {
    add({0, 30}, 25);
    unmap({10, 20});
    add({40, 41}, 40);
    EXPECT_EQ(borders(), (Spans{{20, 30}, {40, 41}}));
}

TEST_F(Forest, ARegionReprotectedInTheMiddleHasATreeOfItsOwn) {
    add_all({0, 30});
    isolate({10, 20});
    EXPECT_EQ(borders(), (Spans{{0, 10}, {10, 20}, {20, 30}}));
    forest.restate(slabs, *table, {10, 20}, kReadable);
    isolate({10, 20});
    EXPECT_EQ(runs(), (Spans{{0, 10}, {10, 20}, {20, 30}}));
}

TEST_F(Forest, RegionsThatHaveBecomeOneFollowAtTheNextFault) {
    add_all({0, 10});
    add({10, 20}, 10);
    add({10, 20}, 14);
    add({0, 30}, 25);
    EXPECT_EQ(borders(), (Spans{{0, 30}}));
    EXPECT_EQ(runs(), (Spans{{0, 11}, {14, 15}, {25, 26}}));
}

TEST_F(Forest, ARegionThatHasGrownFollowsAtTheNextFault) {
    add_all({10, 14});
    add({6, 20}, 14);
    EXPECT_EQ(borders(), (Spans{{6, 20}}));
    EXPECT_EQ(runs(), (Spans{{10, 15}}));
}

// The visitor of a border that has moved is still on his way.
TEST_F(Forest, ATreeThatReachesBeyondItsRegionServesUntilItIsCut) {
    add_all({0, 7});
    isolate({0, 7});
    add({0, 10}, 8);
    ASSERT_EQ(borders(), (Spans{{0, 10}}));
    // 0 to 5 is being unmapped, and the rest has grown.
    add({5, 20}, 12);
    EXPECT_EQ(borders(), (Spans{{0, 10}, {10, 20}}));
    add({5, 20}, 7);
    EXPECT_EQ(borders(), (Spans{{0, 10}, {10, 20}}));
    unmap({0, 5});
    EXPECT_EQ(borders(), (Spans{{5, 10}, {10, 20}}));
    add({5, 20}, 18);
    EXPECT_EQ(borders(), (Spans{{5, 20}}));
    EXPECT_EQ(runs(), (Spans{{5, 9}, {12, 13}, {18, 19}}));
}

TEST_F(Forest, AnEmptyTreeOutlivesItsRegionAndIsInNobodysWay) {
    add_all({4, 8});
    vacate({4, 8});
    EXPECT_TRUE(forest.empty());
    add({6, 20}, 7);
    EXPECT_EQ(borders(), (Spans{{6, 20}}));
}

TEST_F(Forest, AVacantTreeTakesItsPagesAgain) {
    add_all({4, 8});
    vacate({4, 8});
    EXPECT_EQ(forest.find(4), nullptr);
    EXPECT_EQ(forest.first_reaching(0), nullptr);
    add_all({4, 8});
    EXPECT_EQ(runs(), (Spans{{4, 8}}));
    EXPECT_EQ(forest.runs(), 1u);
}

TEST_F(Forest, OnlyAWholeRegionInOneRunIsWhole) {
    add_all({4, 8});
    EXPECT_NE(forest.whole({4, 8}), nullptr);
    EXPECT_EQ(forest.whole({4, 7}), nullptr);
    EXPECT_EQ(forest.whole({5, 8}), nullptr);
    add_all({10, 12});
    EXPECT_NE(forest.whole({4, 8}), nullptr);
    remove({5, 6});
    EXPECT_EQ(forest.whole({4, 8}), nullptr);
}

// Regions as a leaf's pages have them: 0 is none.
class Regions {
  public:
    [[nodiscard]] unsigned at(unsigned page) const { return of_[page]; }
    [[nodiscard]] PageSpan span(unsigned page) const {
        PageSpan span{page, page + 1};
        while (span.first > 0 && of_[span.first - 1] == of_[page]) --span.first;
        while (span.end < kPagesPerLeaf && of_[span.end] == of_[page]) ++span.end;
        return span;
    }
    void set(PageSpan span, unsigned region) {
        for (unsigned page = span.first; page < span.end; ++page) of_[page] = region;
    }
    unsigned fresh() { return ++last_; }

  private:
    std::array<unsigned, kPagesPerLeaf> of_{};
    unsigned last_ = 0;
};

class RandomForest : public Forest, public ::testing::WithParamInterface<unsigned> {
  protected:
    [[nodiscard]] unsigned pick(unsigned below) { return static_cast<unsigned>(random() % below); }
    PageSpan pick_span() {
        const unsigned first = pick(kPagesPerLeaf);
        return {first, std::min<unsigned>(kPagesPerLeaf, first + 1 + pick(60))};
    }
    void fault() {
        const unsigned page = pick(kPagesPerLeaf);
        if (regions.at(page) == 0 || resident[page]) return;
        add(regions.span(page), page, pick(8) == 0 ? kReadable : kWritable);
        resident[page] = true;
    }
    void map() {
        PageSpan span = pick_span();
        while (!span.empty() && regions.at(span.first) != 0) ++span.first;
        for (unsigned page = span.first; page < span.end; ++page)
            if (regions.at(page) != 0) span.end = page;
        if (!span.empty()) regions.set(span, regions.fresh());
    }
    void forget(PageSpan span) {
        for (unsigned page = span.first; page < span.end; ++page) resident[page] = false;
    }
    // The regions change first; faults come before the leaf is visited.
    void unmap_with_faults() {
        const PageSpan span = pick_span();
        const PageSpan below = span.first > 0 ? regions.span(span.first - 1) : span;
        regions.set(span, 0);
        if (span.first > 0 && below.end > span.end) regions.set({span.end, below.end}, regions.fresh());
        for (unsigned i = pick(4); i > 0; --i) fault();
        unmap(span);
        forget(span);
    }
    void protect_with_faults() {
        const unsigned page = pick(kPagesPerLeaf);
        if (regions.at(page) == 0) return;
        const PageSpan span = regions.span(page).intersect(pick_span());
        if (span.empty()) return;
        const PageSpan whole = regions.span(page);
        regions.set(span, regions.fresh());
        if (whole.end > span.end) regions.set({span.end, whole.end}, regions.fresh());
        for (unsigned i = pick(4); i > 0; --i) fault();
        isolate(span);
    }
    // Neighbours become one region; nobody visits the leaf.
    void unite() {
        const unsigned page = pick(kPagesPerLeaf);
        const PageSpan span = regions.span(page);
        if (regions.at(page) != 0 && span.end < kPagesPerLeaf && regions.at(span.end) != 0)
            regions.set(regions.span(span.end), regions.at(page));
    }
    void unmap_shortly() {
        const unsigned page = pick(kPagesPerLeaf);
        const PageSpan span = regions.span(page);
        if (regions.at(page) == 0 || forest.whole(span) == nullptr) return;
        vacate(span);
        forget(span);
        if (pick(2) == 0) regions.set(span, 0);
    }
    void discard() {
        const PageSpan span = pick_span();
        remove(span);
        forget(span);
    }
    void expect_equal() {
        ASSERT_TRUE(forest.sound());
        std::array<bool, kPagesPerLeaf> seen{};
        forest.for_each([&](const shoal::vm::Run& run) {
            EXPECT_EQ(run.frame_sum(), RunTree::sum_frames(*table, run.span()));
            for (unsigned page = run.first(); page < run.end(); ++page) seen[page] = true;
        });
        EXPECT_TRUE(seen == resident);
        forest.for_each_tree([&](const RunTree& tree) {
            if (tree.empty()) return;
            EXPECT_NE(regions.at(tree.span().first), 0u);
            EXPECT_TRUE(regions.span(tree.span().first).contains(tree.span()));
        });
    }

    Regions regions;
    std::array<bool, kPagesPerLeaf> resident{};
    std::mt19937 random{GetParam()};
};

TEST_P(RandomForest, EveryTreeLiesInOneRegion) {
    SCOPED_TRACE(GetParam());
    for (unsigned round = 0; round < 6000 && !HasFailure(); ++round) {
        switch (pick(10)) {
            case 0: map(); break;
            case 1: unmap_with_faults(); break;
            case 2: protect_with_faults(); break;
            case 3: unite(); break;
            case 4: unmap_shortly(); break;
            case 5: discard(); break;
            default:
                for (unsigned i = 0; i < 8; ++i) fault();
        }
        expect_equal();
    }
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomForest, ::testing::Values(1u, 2u, 3u));

}  // namespace
}  // namespace shoal::vm::test
