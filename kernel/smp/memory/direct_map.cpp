#include "kernel/smp/memory/direct_map.hpp"

#include "kernel/smp/memory/table_builder.hpp"
#include "kernel/smp/panic/panic.hpp"

namespace shoal::smp::memory {
namespace {

constinit PhysicalAddress kernel_root;
constinit EarlyFrames* table_frames = nullptr;

}  // namespace

void set_kernel_root(PhysicalAddress root, EarlyFrames& frames) {
    kernel_root = root;
    table_frames = &frames;
}

volatile void* map_device(PhysicalAddress start, uint64_t bytes) {
    if (table_frames == nullptr) panic("a device at %lx is used before the kernel's tables", start.raw());
    const PhysicalAddress first{start.raw() & ~uint64_t{kPageSize - 1}};
    const uint64_t end = (start.raw() + bytes + kPageSize - 1) & ~uint64_t{kPageSize - 1};
    TableBuilder builder(kernel_root, *table_frames, LargestPage::Large);
    builder.map(VirtualAddress{kDirectMapBase + first.raw()}, first, end - first.raw(),
                kWritable | kNoExecute | kUncached | kGlobal);
    return direct(start);
}

}  // namespace shoal::smp::memory
