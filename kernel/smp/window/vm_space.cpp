#include "kernel/smp/window/vm_space.hpp"

#include <cstring>
#include <span>

#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/memory/page_bits.hpp"
#include "kernel/smp/panic/panic.hpp"
#include "kernel/smp/window/program_image.hpp"

namespace shoal::smp {
namespace {

// The lowest page stays unmapped: a null pointer faults.
constexpr VirtualRange kProgramAddresses{VirtualAddress{kPageSize}, VirtualAddress{kBootInfoAddress}};

uint64_t bits_of(SegmentRights rights) {
    switch (rights) {
        case SegmentRights::ReadWrite: return memory::kUser | memory::kWritable | memory::kNoExecute;
        case SegmentRights::ReadExecute: return memory::kUser;
        case SegmentRights::Read: break;
    }
    return memory::kUser | memory::kNoExecute;
}

}  // namespace

VmSpace::VmSpace(EarlyFrames& frames, memory::LargestPage largest)
    : frames_(frames), root_(frames.take()), tables_(root_, frames, largest) {}

void VmSpace::load_program(const Module& module) {
    const std::span<const uint8_t> file{memory::direct<uint8_t>(module.start), module.bytes};
    ProgramImage image;
    if (const char* reason = decode_program(file, kProgramAddresses, image))
        panic("the module vm is no program that can be loaded: %s", reason);
    for (uint32_t i = 0; i < image.segment_count; ++i) {
        const ProgramSegment& segment = image.segments[i];
        const VirtualRange pages = segment.pages();
        const PhysicalAddress memory = frames_.take(pages.pages().raw());
        memcpy(memory::direct<uint8_t>(memory) + segment.start.page_offset(), file.data() + segment.file_offset,
               segment.file_bytes);
        tables_.map(pages.start, memory, pages.size(), bits_of(segment.rights));
    }
    entry_ = image.entry;
}

void VmSpace::map_stacks(uint32_t cpus) {
    for (uint32_t i = 0; i < cpus; ++i) {
        const VirtualAddress bottom = stack_top(CpuId::from(i)) - kVmStackBytes;
        tables_.map(bottom, frames_.take(kVmStackBytes >> kPageShift), kVmStackBytes,
                    bits_of(SegmentRights::ReadWrite));
    }
}

BootInfo& VmSpace::map_boot_info() {
    const PhysicalAddress page = frames_.take();
    tables_.map(VirtualAddress{kBootInfoAddress}, page, kPageSize, bits_of(SegmentRights::Read));
    return *memory::direct<BootInfo>(page);
}

}  // namespace shoal::smp
