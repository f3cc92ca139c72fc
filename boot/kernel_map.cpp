#include "boot/kernel_map.hpp"

#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/memory/table_builder.hpp"
#include "kernel/smp/x86/control.hpp"

// From kernel.ld: borders of the parts of the image, page-aligned.
extern "C" {
extern char kernel_image_start[], kernel_image_end[];  // physical
extern char kernel_text_start[], kernel_text_end[], kernel_rodata_end[], kernel_data_end[];
extern char boot_stack_guard[];
}

namespace shoal::boot {
namespace {

using smp::memory::TableBuilder;

void map_image(TableBuilder& tables, const char* start, const char* end, uint64_t bits) {
    tables.map(VirtualAddress{reinterpret_cast<uint64_t>(start)}, smp::memory::physical_of_image(start),
               static_cast<uint64_t>(end - start), bits | smp::memory::kGlobal);
}

// Memory that is free or in use, and the firmware's tables; of reserved memory nothing: it may be a device's.
void map_memory(TableBuilder& tables, const LoaderInformation& loader) {
    for (const MemoryRange& range : loader.memory) {
        if (range.kind == MemoryKind::Reserved) continue;
        const uint64_t first = (range.start + kPageSize - 1) & ~uint64_t{kPageSize - 1};
        const uint64_t end = range.end() & ~uint64_t{kPageSize - 1};
        if (first >= end) continue;
        tables.map(VirtualAddress{smp::memory::kDirectMapBase + first}, PhysicalAddress{first}, end - first,
                   smp::memory::kWritable | smp::memory::kNoExecute | smp::memory::kGlobal);
    }
}

}  // namespace

void load_kernel_map(const LoaderInformation& loader, smp::MachineDescription& machine) {
    const PhysicalAddress root = TableBuilder::make_root(*machine.frames);
    TableBuilder tables(root, *machine.frames, smp::memory::largest_page());
    map_memory(tables, loader);
    map_image(tables, kernel_text_start, kernel_text_end, 0);
    map_image(tables, kernel_text_end, kernel_rodata_end, smp::memory::kNoExecute);
    map_image(tables, kernel_rodata_end, kernel_data_end, smp::memory::kWritable | smp::memory::kNoExecute);
    *tables.find(VirtualAddress{reinterpret_cast<uint64_t>(boot_stack_guard)}).entry = 0;
    tables.map(VirtualAddress{machine.trampoline.raw()}, machine.trampoline, kPageSize, 0);
    smp::x86::write_cr3(root.raw());
    machine.kernel_root = root;
    smp::memory::set_kernel_root(root, *machine.frames);
}

ByteView kernel_image_bytes() {
    const auto start = reinterpret_cast<uint64_t>(kernel_image_start);
    const auto end = reinterpret_cast<uint64_t>(kernel_image_end);
    return {smp::memory::direct<uint8_t>(PhysicalAddress{start}), end - start};
}

}  // namespace shoal::boot
