#include "kernel/smp/window/window_tables.hpp"

#include <atomic>

#include "abi/boot_info.hpp"
#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/memory/page_bits.hpp"

namespace shoal::smp {
namespace {

using memory::kAddressBits;
using memory::kGiantSize;
using memory::kLarge;
using memory::kPresent;

constexpr uint64_t kWindowBits = memory::kWritable | memory::kUser | memory::kNoExecute;
constexpr uint64_t kTableBits = memory::kPresent | memory::kWritable | memory::kUser;
constexpr unsigned kTopShift = 39, kGiantShift = 30;
constexpr uint64_t kEntries = 512;

VirtualAddress in_window(PhysicalAddress address) {
    return VirtualAddress{kWindowBase + address.raw()};
}

uint64_t* table_of(uint64_t entry) {
    return memory::direct<uint64_t>(PhysicalAddress{entry & kAddressBits});
}

uint64_t giants_below(PhysicalAddress highest) {
    return (highest.raw() + kGiantSize - 1) / kGiantSize;
}

}  // namespace

uint64_t WindowTables::tables_needed(uint32_t ranges, PhysicalAddress highest) {
    const uint64_t giants = giants_below(highest);
    const uint64_t top_entries = giants / kEntries + 2;
    const uint64_t spare_list = giants / kEntries + 1;
    // Each end of a range may need a table of 4 KiB pages; each GiB one directory, in use or spare.
    return top_entries + spare_list + giants + 2 * uint64_t{ranges} + 1;
}

void WindowTables::build(PhysicalAddress root, const EarlyFrames& owned, EarlyFrames& tables,
                         memory::LargestPage largest) {
    root_ = memory::direct<uint64_t>(root);
    memory::TableBuilder builder(root, tables, largest);
    for (uint32_t i = 0; i < owned.range_count(); ++i) {
        const FrameRange range = owned.range(i);
        builder.map(in_window(range.first.address()), range.first.address(), range.count * kPageSize,
                    kWindowBits);
        giants_ = giants_below(range.end().address());
    }
    spare_directories_ =
        memory::direct<uint64_t>(tables.take(PageCount::covering(giants_ * sizeof(uint64_t)).raw()));
    if (largest == memory::LargestPage::Giant) prepare_directories(builder, tables);
}

void WindowTables::prepare_directories(memory::TableBuilder& builder, EarlyFrames& tables) {
    for (uint64_t giant = 0; giant < giants_; ++giant) {
        const PhysicalAddress start{giant << kGiantShift};
        const memory::TableBuilder::Mapping mapping = builder.find(in_window(start));
        if (mapping.entry == nullptr || mapping.bytes != kGiantSize) continue;
        const PhysicalAddress directory = tables.take();
        for (uint64_t i = 0; i < kEntries; ++i)
            memory::direct<uint64_t>(directory)[i] = (start.raw() + i * kLeafSize) | kWindowBits | kPresent | kLarge;
        spare_directories_[giant] = directory.raw() | kTableBits;
    }
}

// The entry of the area in its directory, after the giant page around it has given way; nullptr where there is none.
uint64_t* WindowTables::directory_entry(PhysicalAddress area) {
    const uint64_t giant = area.raw() >> kGiantShift;
    if (area.raw() % kLeafSize != 0 || giant >= giants_) return nullptr;
    const uint64_t at = in_window(area).raw();
    const uint64_t top = root_[at >> kTopShift & 511];
    if ((top & kPresent) == 0) return nullptr;
    std::atomic_ref entry(table_of(top)[at >> kGiantShift & 511]);
    // Acquire pairs with the exchange below on another CPU. The directories were filled before launch.
    uint64_t present = entry.load(std::memory_order_acquire);
    if ((present & kPresent) == 0) return nullptr;
    if ((present & kLarge) != 0) {
        // Release pairs with the load above. Where it fails another CPU has put the same directory in.
        entry.compare_exchange_strong(present, spare_directories_[giant], std::memory_order_release,
                                      std::memory_order_relaxed);
        present = spare_directories_[giant];
    }
    return table_of(present) + (at >> kLeafShift & 511);
}

bool WindowTables::hide(PhysicalAddress area) {
    uint64_t* entry = directory_entry(area);
    if (entry == nullptr || (*entry & kPresent) == 0 || (*entry & kLarge) == 0) return false;
    // Relaxed: the flush that follows orders it before any use of the area.
    std::atomic_ref(*entry).store(0, std::memory_order_relaxed);
    return true;
}

bool WindowTables::show(PhysicalAddress area) {
    uint64_t* entry = directory_entry(area);
    if (entry == nullptr || *entry != 0) return false;
    // Release pairs with the page walker of the CPU that gets the area: what the kernel wrote there lies before it.
    std::atomic_ref(*entry).store(area.raw() | kWindowBits | kPresent | kLarge, std::memory_order_release);
    return true;
}

}  // namespace shoal::smp
