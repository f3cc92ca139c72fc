#include "boot/memory_layout.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace shoal::boot::test {
namespace {

TEST(MemoryLayout, UsesWholeFramesOnly) {
    LoaderInformation loader;
    loader.memory.push({0x100800, 0x3000, MemoryKind::Usable});
    smp::EarlyFrames frames;
    EXPECT_EQ(find_free_memory(loader, frames), 2 * kPageSize);
    EXPECT_EQ(frames.range(0).first.raw(), 0x101u);
}

TEST(MemoryLayout, WhereRangesOverlapNotUsableWins) {
    LoaderInformation loader;
    loader.memory.push({0x104010, 0x20, MemoryKind::Reserved});
    loader.memory.push({0x100000, 0x10000, MemoryKind::Usable});
    loader.memory.push({0x108000, 0x1000, MemoryKind::AcpiTables});
    smp::EarlyFrames frames;
    EXPECT_EQ(find_free_memory(loader, frames), 14 * kPageSize);
}

TEST(MemoryLayout, KeepsTheLowestPageAndWhatTheWindowCannotReach) {
    LoaderInformation loader;
    loader.memory.push({0, 0x2000, MemoryKind::Usable});
    loader.memory.push({(uint64_t{32} << 40) - 0x1000, 0x2000, MemoryKind::Usable});
    smp::EarlyFrames frames;
    find_free_memory(loader, frames);
    EXPECT_EQ(frames.free_frames(), 2u);
    EXPECT_EQ(frames.range(0).first.raw(), 1u);
}

TEST(MemoryLayout, ListsEveryFrameThatIsMemoryInPart) {
    LoaderInformation loader;
    loader.memory.push({0x100800, 0x1000, MemoryKind::Usable});
    loader.memory.push({0x200000, 0x1000, MemoryKind::AcpiTables});
    loader.memory.push({0x300000, 0, MemoryKind::Usable});
    auto machine = std::make_unique<smp::MachineDescription>();
    list_memory(loader, *machine);
    ASSERT_EQ(machine->memory.count, 1u);
    EXPECT_EQ(machine->memory.items[0], (FrameRange{FrameNumber{0x100}, 2}));
}

TEST(MemoryLayout, TakesEverythingForMemoryWhereTheMapWasCut) {
    LoaderInformation loader;
    loader.memory.push({0x100000, 0x1000, MemoryKind::Usable});
    loader.dropped = 1;
    auto machine = std::make_unique<smp::MachineDescription>();
    list_memory(loader, *machine);
    ASSERT_EQ(machine->memory.count, 1u);
    EXPECT_TRUE(machine->memory.items[0].contains(FrameNumber{0xfec00}));
}

TEST(MemoryLayout, ReservesEveryFrameThatBytesTouch) {
    smp::EarlyFrames frames;
    frames.add({FrameNumber{0x100}, 10});
    reserve_bytes(frames, {0x101fff, 0x102001});
    EXPECT_EQ(frames.free_frames(), 8u);
    reserve_bytes(frames, {0x104000, 0x104000});
    EXPECT_EQ(frames.free_frames(), 8u);
}

}  // namespace
}  // namespace shoal::boot::test
