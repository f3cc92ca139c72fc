// The window over VM's memory: every owned frame, no other, and areas that leave it and come back on several CPUs at once.
#include "kernel/smp/window/window_tables.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <thread>
#include <vector>

#include "abi/boot_info.hpp"
#include "tests/support/seed.hpp"
#include "tests/unit/boot/page_walk.hpp"

namespace shoal::smp {
namespace {

using memory::kGiantSize;
using memory::LargestPage;
using test::TableMemory;
using test::walk;
using test::Walked;

constexpr uint64_t kFramesPerGiant = kGiantSize >> kPageShift;

VirtualAddress in_window(uint64_t physical) { return VirtualAddress{kWindowBase + physical}; }

// A window over some ranges of frames; the tables are real, what they map need not be.
class Window {
  public:
    Window(const std::vector<FrameRange>& owned, LargestPage largest) : memory_(kFrames), root_(memory_.free.take()) {
        EarlyFrames frames;
        for (const FrameRange& range : owned) frames.add(range);
        const PhysicalAddress highest = frames.range(frames.range_count() - 1).end().address();
        needed_ = WindowTables::tables_needed(frames.range_count(), highest);
        const uint64_t before = memory_.free.free_frames();
        tables.build(root_, frames, memory_.free, largest);
        used_ = before - memory_.free.free_frames();
    }
    // What tables_needed() promised was enough.
    void expect_foretold() const { EXPECT_LE(used_, needed_); }
    [[nodiscard]] Walked at(uint64_t physical) const { return walk(root_, in_window(physical)); }
    [[nodiscard]] bool shows(uint64_t physical) const {
        const Walked found = at(physical);
        return found.bytes != 0 && found.physical(in_window(physical)) == physical && found.user && found.writable &&
               (found.entry & memory::kNoExecute) != 0;
    }

    WindowTables tables;

  private:
    static constexpr uint64_t kFrames = 4096;
    TableMemory memory_;
    PhysicalAddress root_;
    uint64_t needed_ = 0, used_ = 0;
};

TEST(WindowTables, ShowOwnedFramesAndNoOthers) {
    std::mt19937_64 random(shoal::test::seed());
    for (const LargestPage largest : {LargestPage::Large, LargestPage::Giant}) {
        for (int round = 0; round < 20; ++round) {
            std::vector<FrameRange> owned;
            uint64_t next = 256;
            for (int i = 0; i < 6; ++i) {
                next += 1 + random() % (round % 2 == 0 ? 700 : 2 * kFramesPerGiant);
                const uint64_t count = 1 + random() % (i == 3 ? 3 * kFramesPerGiant : 1200);
                owned.push_back({FrameNumber{next}, count});
                next += count + 1;
            }
            const Window window(owned, largest);
            window.expect_foretold();
            for (const FrameRange& range : owned) {
                const uint64_t first = range.first.raw(), end = range.end().raw();
                for (const uint64_t frame : {first, first + range.count / 2, end - 1})
                    ASSERT_TRUE(window.shows(frame * kPageSize)) << frame;
                for (const uint64_t frame : {first - 1, end})
                    ASSERT_EQ(window.at(frame * kPageSize).bytes, 0u) << frame << " is not VM's";
            }
        }
    }
}

TEST(WindowTables, GiantPagesWhereTheyFit) {
    const std::vector<FrameRange> owned = {{FrameNumber{512}, 3 * kFramesPerGiant}};
    const Window large(owned, LargestPage::Large), giant(owned, LargestPage::Giant);
    EXPECT_EQ(large.at(kGiantSize).bytes, kLeafSize);
    EXPECT_EQ(giant.at(kGiantSize).bytes, kGiantSize);
    EXPECT_EQ(giant.at(kLeafSize).bytes, kLeafSize) << "below the first whole GiB";
}

class LentAreas : public testing::TestWithParam<LargestPage> {
  protected:
    // From 2 MiB to 3 GiB and a page.
    Window window{{{FrameNumber{512}, 3 * kFramesPerGiant - 512 + 1}}, GetParam()};
};

INSTANTIATE_TEST_SUITE_P(LargestPages, LentAreas, testing::Values(LargestPage::Large, LargestPage::Giant));

TEST_P(LentAreas, LeaveTheWindowAlone) {
    const uint64_t area = kGiantSize + 5 * kLeafSize;
    ASSERT_TRUE(window.tables.hide(PhysicalAddress{area}));
    for (uint64_t offset = 0; offset < kLeafSize; offset += kPageSize) ASSERT_EQ(window.at(area + offset).bytes, 0u);
    for (const uint64_t other : {kLeafSize, kGiantSize, area - kPageSize, area + kLeafSize, 2 * kGiantSize, 3 * kGiantSize})
        EXPECT_TRUE(window.shows(other)) << other;
    EXPECT_FALSE(window.tables.hide(PhysicalAddress{area})) << "it is out already";
    ASSERT_TRUE(window.tables.show(PhysicalAddress{area}));
    EXPECT_TRUE(window.shows(area) && window.shows(area + kLeafSize - kPageSize));
    EXPECT_FALSE(window.tables.show(PhysicalAddress{area})) << "it is in already";
}

TEST_P(LentAreas, AreWholeAreasOfTheWindow) {
    constexpr uint64_t kLastPage = 3 * kGiantSize;  // alone in its area
    for (const uint64_t refused : {kGiantSize + kPageSize, kLastPage, 4 * kGiantSize, uint64_t{1} << 50}) {
        EXPECT_FALSE(window.tables.hide(PhysicalAddress{refused})) << refused;
        EXPECT_FALSE(window.tables.show(PhysicalAddress{refused})) << refused;
    }
    for (const uint64_t not_owned : {uint64_t{0}, kLastPage + kLeafSize})
        EXPECT_FALSE(window.tables.hide(PhysicalAddress{not_owned})) << not_owned;
    EXPECT_TRUE(window.shows(kLastPage));
}

// Areas of one GiB in the hands of several CPUs: the giant page gives way once, and every area is what its owner made it.
TEST_P(LentAreas, ChangeOnSeveralCpusAtOnce) {
    constexpr uint64_t kCpus = 4, kAreas = kGiantSize / kLeafSize;
    const uint64_t seed = shoal::test::seed();
    std::set<uint64_t> hidden[kCpus];
    std::vector<std::thread> cpus;
    for (uint64_t cpu = 0; cpu < kCpus; ++cpu)
        cpus.emplace_back([&, cpu] {
            std::mt19937_64 random(seed + cpu);
            for (int i = 0; i < 4000; ++i) {
                const uint64_t area = kGiantSize + (random() % (kAreas / kCpus) * kCpus + cpu) * kLeafSize;
                const bool out = hidden[cpu].contains(area);
                ASSERT_TRUE(out ? window.tables.show(PhysicalAddress{area}) : window.tables.hide(PhysicalAddress{area}));
                out ? (void)hidden[cpu].erase(area) : (void)hidden[cpu].insert(area);
            }
        });
    for (std::thread& cpu : cpus) cpu.join();
    for (uint64_t i = 0; i < kAreas; ++i) {
        const uint64_t area = kGiantSize + i * kLeafSize;
        const bool out = hidden[i % kCpus].contains(area);
        ASSERT_EQ(window.at(area).bytes, out ? 0 : kLeafSize);
        ASSERT_EQ(window.shows(area), !out);
    }
    EXPECT_TRUE(window.shows(kLeafSize) && window.shows(2 * kGiantSize)) << "the neighbours";
}

}  // namespace
}  // namespace shoal::smp
