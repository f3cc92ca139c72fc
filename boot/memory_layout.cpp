#include "boot/memory_layout.hpp"

namespace shoal::boot {
namespace {

// Beyond the window no frame can be VM's (abi/boot_info.hpp), and the direct map has 64 TiB less.
constexpr uint64_t kHighestForVm = uint64_t{32} << 40;
constexpr uint64_t kHighestFrame = uint64_t{1} << 40;  // of any page table (SDM vol. 3A, 4.1.4)

FrameRange inner_frames(MemoryRange range) {
    const uint64_t end = (range.end() < kHighestForVm ? range.end() : kHighestForVm) >> kPageShift;
    const uint64_t first = (range.start + kPageSize - 1) >> kPageShift;
    return {FrameNumber{first}, first < end ? end - first : 0};
}

}  // namespace

uint64_t find_free_memory(const LoaderInformation& loader, smp::EarlyFrames& frames) {
    for (const MemoryRange& range : loader.memory)
        if (range.kind == MemoryKind::Usable && range.start < kHighestForVm) frames.add(inner_frames(range));
    for (const MemoryRange& range : loader.memory)
        if (range.kind != MemoryKind::Usable) reserve_bytes(frames, {range.start, range.end()});
    const uint64_t usable = frames.free_frames() * kPageSize;
    reserve_bytes(frames, {0, kPageSize});  // the firmware's vectors; and 0 stays "none"
    return usable;
}

namespace {

void keep(smp::MachineDescription& machine, PhysicalAddress start, uint64_t bytes) {
    if (bytes == 0) return;
    const uint64_t first = start.raw() >> kPageShift, last = (start.raw() + bytes - 1) >> kPageShift;
    machine.kept.push({FrameNumber{first}, last - first + 1});
}

}  // namespace

void keep_memory(const LoaderInformation& loader, smp::MachineDescription& machine) {
    using smp::MachineDescription;
    constexpr size_t kDevices = MachineDescription::kMaxIoApics + 3, kImages = MachineDescription::kMaxModules + 1;
    static_assert(MachineDescription::kMaxKept >= LoaderInformation::kMaxMemoryRanges + kDevices + kImages);
    if (loader.dropped > 0) machine.kept.push({FrameNumber{0}, kHighestFrame});
    for (const MemoryRange& range : loader.memory)
        if (range.kind == MemoryKind::Usable && range.start < range.end()) keep(machine, PhysicalAddress{range.start}, range.end() - range.start);
    machine.kept.push(machine.kernel_image);
    for (const smp::Module& module : machine.modules) keep(machine, module.start, module.bytes);
}

// An interrupt that a device sends is a write to the local APICs' megabyte (SDM vol. 3A, 11.11.1), and so is one that a program sends.
void keep_devices(smp::MachineDescription& machine) {
    constexpr PhysicalAddress kMessages{0xfee0'0000};
    constexpr uint64_t kMegabyte = 1 << 20, kHpetBytes = 1024;
    keep(machine, kMessages, kMegabyte);
    keep(machine, machine.local_apic, kPageSize);
    for (const smp::IoApicDescription& io_apic : machine.io_apics) keep(machine, io_apic.registers, kPageSize);
    if (machine.hpet.raw() != 0) keep(machine, machine.hpet, kHpetBytes);
}

void reserve_bytes(smp::EarlyFrames& frames, ByteRange range) {
    if (range.start >= range.end) return;
    const uint64_t first = range.start >> kPageShift, last = (range.end - 1) >> kPageShift;
    frames.reserve({FrameNumber{first}, last - first + 1});
}

}  // namespace shoal::boot
