// The tree of runs against an array, under random additions, removals and restatements.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

#include "servers/vm/leaf/run_tree.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class Runs : public ::testing::Test {
  protected:
    void expect_equal() {
        ASSERT_TRUE(tree.sound());
        std::map<unsigned, PageState> seen;
        tree.for_each([&](const shoal::vm::Run& run) {
            EXPECT_EQ(run.frame_sum(), RunTree::sum_frames(*table, run.span()));
            for (unsigned page = run.first(); page < run.end(); ++page) seen[page] = run.state();
        });
        EXPECT_TRUE(seen == model);
    }
    void add(unsigned page, PageState state, uint64_t frame) {
        ASSERT_TRUE(slabs.ensure<shoal::vm::Run>(RunTree::kMostNewRuns).ok());
        tree.add(slabs, *table, page, state, FrameNumber{frame});
        table->set(page, PageEntry{FrameNumber{frame}, state.access});
        model[page] = state;
    }
    void TearDown() override { tree.clear(slabs); }

    Harness vm{{.cpus = 1, .bytes = 8 << 20}};
    SlabCaches& slabs = vm.arena().worker(0).slabs;
    std::unique_ptr<PageTable> table = std::make_unique<PageTable>();
    RunTree tree{{0, kPagesPerLeaf}};
    std::map<unsigned, PageState> model;
};

constexpr PageState kPlain{Ownership::Exclusive, Access::read_write()};
constexpr PageState kLocked{Ownership::Exclusive, Access::read()};

TEST_F(Runs, NeighboursInEqualStateAreOneRun) {
    for (unsigned page : {4u, 6u, 5u}) add(page, kPlain, 100 + page);
    EXPECT_EQ(tree.size(), 1u);
    add(7, kLocked, 107);
    EXPECT_EQ(tree.size(), 2u);
    tree.restate(slabs, *table, {7, 8}, kPlain);
    model[7] = kPlain;
    EXPECT_EQ(tree.size(), 1u);
    expect_equal();
}

TEST_F(Runs, AVacantRunWaitsForItsPageAndGoesWithAnyOtherChange) {
    add(4, kPlain, 104);
    EXPECT_NE(tree.over({4, 5}), nullptr);
    EXPECT_EQ(tree.over({4, 6}), nullptr);
    tree.vacate(slabs, *table, {4, 5});
    table->set(4, {}), model.erase(4);
    EXPECT_TRUE(tree.empty());
    EXPECT_EQ(tree.size(), 1u);
    EXPECT_EQ(tree.find(4), nullptr);
    EXPECT_EQ(tree.first_reaching(0), nullptr);
    expect_equal();
    add(4, kPlain, 204);
    EXPECT_EQ(tree.size(), 1u);
    expect_equal();
    tree.vacate(slabs, *table, {4, 5});
    table->set(4, {}), model.erase(4);
    add(4, kLocked, 304);  // not as it was
    EXPECT_EQ(tree.size(), 1u);
    expect_equal();
    tree.vacate(slabs, *table, {4, 5});
    table->set(4, {}), model.erase(4);
    for (unsigned page : {3u, 4u, 5u}) add(page, kPlain, 400 + page);
    EXPECT_EQ(tree.size(), 1u);
    expect_equal();
}

TEST_F(Runs, RandomChangesMatchAnArray) {
    const unsigned seed = 20240611;
    std::mt19937 random(seed);
    SCOPED_TRACE(seed);
    for (unsigned round = 0; round < 20000; ++round) {
        const auto first = static_cast<unsigned>(random() % kPagesPerLeaf);
        const unsigned end = std::min<unsigned>(kPagesPerLeaf, first + 1 + static_cast<unsigned>(random() % 40));
        const PageState state = random() % 2 == 0 ? kPlain : kLocked;
        ASSERT_TRUE(slabs.ensure<shoal::vm::Run>(RunTree::kMostNewRuns).ok());
        switch (random() % 5) {
            case 0:
            case 1:
                for (unsigned page = first; page < end; ++page)
                    if (!model.contains(page)) add(page, state, 1000 + random() % 100000);
                break;
            case 2:
                if (tree.over({first, first + 1}) == nullptr) break;
                tree.vacate(slabs, *table, {first, first + 1});
                table->set(first, {}), model.erase(first);
                if (random() % 2 == 0) add(first, state, 1000 + random() % 100000);
                break;
            case 3:
                tree.remove(slabs, *table, {first, end});
                for (unsigned page = first; page < end; ++page) table->set(page, {}), model.erase(page);
                break;
            default:
                tree.restate(slabs, *table, {first, end}, state);
                for (unsigned page = first; page < end; ++page)
                    if (model.contains(page)) model[page] = state;
        }
        if (round % 50 == 0) expect_equal();
        if (HasFatalFailure()) return;
    }
    expect_equal();
}

}  // namespace
}  // namespace shoal::vm::test
