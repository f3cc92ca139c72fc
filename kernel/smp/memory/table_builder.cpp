#include "kernel/smp/memory/table_builder.hpp"

#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/x86/cpuid.hpp"

namespace shoal::smp::memory {
namespace {

constexpr unsigned kTopShift = 39;

uint64_t& entry_of(uint64_t* table, VirtualAddress address, unsigned shift) {
    return table[address.raw() >> shift & 511];
}

uint64_t* table_of(uint64_t entry) {
    return direct<uint64_t>(PhysicalAddress{entry & kAddressBits});
}

}  // namespace

LargestPage largest_page() {
    constexpr uint32_t kExtendedFeatures = 0x8000'0001, kGiantPages = 1 << 26;
    return (x86::cpuid(kExtendedFeatures).edx & kGiantPages) != 0 ? LargestPage::Giant : LargestPage::Large;
}

void TableBuilder::map(VirtualAddress at, PhysicalAddress start, uint64_t bytes, uint64_t bits) {
    while (bytes != 0) {
        const uint64_t done = map_one(at, start, bytes, bits);
        at = at + done;
        start = start + done;
        bytes -= bytes < done ? bytes : done;
    }
}

uint64_t TableBuilder::map_one(VirtualAddress at, PhysicalAddress start, uint64_t bytes, uint64_t bits) {
    uint64_t* table = direct<uint64_t>(root_);
    for (unsigned shift = kTopShift;; shift -= 9) {
        uint64_t& entry = entry_of(table, at, shift);
        const uint64_t size = uint64_t{1} << shift;
        const bool mapped = (entry & kPresent) != 0 && (shift == kPageShift || (entry & kLarge) != 0);
        if (mapped) return size - (at.raw() & (size - 1));
        const bool fits = shift <= static_cast<unsigned>(largest_) && bytes >= size &&
                          ((at.raw() | start.raw()) & (size - 1)) == 0;
        if (fits && (entry & kPresent) == 0) {
            entry = start.raw() | bits | kPresent | (shift == kPageShift ? 0 : uint64_t{kLarge});
            return size;
        }
        table = table_below(entry, bits);
    }
}

// Rights are the last entry's affair: those above allow everything, and user mode where any page below does.
uint64_t* TableBuilder::table_below(uint64_t& entry, uint64_t bits) {
    if ((entry & kPresent) == 0) entry = frames_.take().raw() | kPresent | kWritable;
    entry |= bits & kUser;
    return table_of(entry);
}

TableBuilder::Mapping TableBuilder::find(VirtualAddress address) {
    uint64_t* table = direct<uint64_t>(root_);
    for (unsigned shift = kTopShift;; shift -= 9) {
        uint64_t& entry = entry_of(table, address, shift);
        if ((entry & kPresent) == 0) return {nullptr, 0};
        if (shift == kPageShift || (entry & kLarge) != 0) return {&entry, uint64_t{1} << shift};
        table = table_of(entry);
    }
}

}  // namespace shoal::smp::memory
