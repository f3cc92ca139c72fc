#include "boot/memory_layout.hpp"

namespace shoal::boot {
namespace {

// Beyond the window no frame can be VM's (abi/boot_info.hpp), and the direct map has 64 TiB less.
constexpr uint64_t kHighestAddress = uint64_t{32} << 40;
constexpr uint64_t kHighestFrame = uint64_t{1} << 40;  // of any page table (SDM vol. 3A, 4.1.4)

FrameRange inner_frames(MemoryRange range) {
    const uint64_t end = (range.end() < kHighestAddress ? range.end() : kHighestAddress) >> kPageShift;
    const uint64_t first = (range.start + kPageSize - 1) >> kPageShift;
    return {FrameNumber{first}, first < end ? end - first : 0};
}

}  // namespace

uint64_t find_free_memory(const LoaderInformation& loader, smp::EarlyFrames& frames) {
    for (const MemoryRange& range : loader.memory)
        if (range.kind == MemoryKind::Usable && range.start < kHighestAddress) frames.add(inner_frames(range));
    for (const MemoryRange& range : loader.memory)
        if (range.kind != MemoryKind::Usable) reserve_bytes(frames, {range.start, range.end()});
    const uint64_t usable = frames.free_frames() * kPageSize;
    reserve_bytes(frames, {0, kPageSize});  // the firmware's vectors; and 0 stays "none"
    return usable;
}

void list_memory(const LoaderInformation& loader, smp::MachineDescription& machine) {
    static_assert(smp::MachineDescription::kMaxMemoryRanges >= LoaderInformation::kMaxMemoryRanges);
    if (loader.dropped > 0) {
        machine.memory.push({FrameNumber{0}, kHighestFrame});
        return;
    }
    for (const MemoryRange& range : loader.memory) {
        if (range.kind != MemoryKind::Usable || range.start >= range.end()) continue;
        const uint64_t first = range.start >> kPageShift, last = (range.end() - 1) >> kPageShift;
        machine.memory.push({FrameNumber{first}, last - first + 1});
    }
}

void reserve_bytes(smp::EarlyFrames& frames, ByteRange range) {
    if (range.start >= range.end) return;
    const uint64_t first = range.start >> kPageShift, last = (range.end - 1) >> kPageShift;
    frames.reserve({FrameNumber{first}, last - first + 1});
}

}  // namespace shoal::boot
