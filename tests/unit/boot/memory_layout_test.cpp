#include "boot/memory_layout.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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

TEST(MemoryLayout, KeepsEveryFrameThatIsMemoryInPart) {
    LoaderInformation loader;
    loader.memory.push({0x100800, 0x1000, MemoryKind::Usable});
    loader.memory.push({0x200000, 0x1000, MemoryKind::AcpiTables});
    loader.memory.push({0x300000, 0, MemoryKind::Usable});
    auto machine = std::make_unique<smp::MachineDescription>();
    machine->kernel_image = {FrameNumber{0x400}, 3};
    machine->modules.push({{}, PhysicalAddress{0x500000}, 0x1001});
    keep_memory(loader, *machine);
    ASSERT_EQ(machine->kept.count, 3u);
    EXPECT_EQ(machine->kept.items[0], (FrameRange{FrameNumber{0x100}, 2}));
    EXPECT_EQ(machine->kept.items[1], machine->kernel_image);
    EXPECT_EQ(machine->kept.items[2], (FrameRange{FrameNumber{0x500}, 2}));
}

TEST(MemoryLayout, TakesEverythingForMemoryWhereTheMapWasCut) {
    LoaderInformation loader;
    loader.memory.push({0x100000, 0x1000, MemoryKind::Usable});
    loader.dropped = 1;
    auto machine = std::make_unique<smp::MachineDescription>();
    keep_memory(loader, *machine);
    EXPECT_TRUE(machine->kept.items[0].contains(FrameNumber{0xfec00}));
}

TEST(MemoryLayout, KeepsWhatTheKernelDrives) {
    auto machine = std::make_unique<smp::MachineDescription>();
    machine->local_apic = PhysicalAddress{0xfee0'0000};
    machine->io_apics.push({0, 0, PhysicalAddress{0xfec0'0000}});
    machine->hpet = PhysicalAddress{0xfed0'0400};
    keep_devices(*machine);
    const auto kept = [&](uint64_t frame) {
        return std::ranges::any_of(machine->kept, [&](FrameRange range) { return range.contains(FrameNumber{frame}); });
    };
    for (const uint64_t frame : {0xfee00u, 0xfeeffu, 0xfec00u, 0xfed00u}) EXPECT_TRUE(kept(frame)) << frame;
    for (const uint64_t frame : {0xfedffu, 0xfef00u, 0xfec01u, 0xfed01u}) EXPECT_FALSE(kept(frame)) << frame;
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
