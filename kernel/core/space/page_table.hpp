// Page-table entries and tables as the CPU reads them (SDM vol. 3A, 4.5, four-level paging).
#pragma once

#include <atomic>
#include <cstdint>

#include "abi/memory.hpp"
#include "base/address.hpp"
#include "kernel/core/machine.hpp"

namespace shoal::kernel::space {

// Which table an entry lies in. A Leaf entry maps a page; a Directory entry maps 2 MiB or names a leaf table.
enum class Level : uint8_t { Leaf = 1, Directory = 2, Pointers = 3, Top = 4 };

constexpr Level below(Level level) {
    return static_cast<Level>(static_cast<uint8_t>(level) - 1);
}
// What one entry of this level spans, as a power of two.
constexpr unsigned entry_shift(Level level) {
    return kPageShift + 9 * (static_cast<unsigned>(level) - 1);
}
constexpr uint64_t entry_span(Level level) { return uint64_t{1} << entry_shift(level); }
constexpr unsigned entry_index(VirtualAddress address, Level level) {
    return static_cast<unsigned>(address.raw() >> entry_shift(level)) & 511;
}

class PageEntry {
  public:
    enum Bits : uint64_t {
        kPresent = 1 << 0,
        kWritable = 1 << 1,
        kUser = 1 << 2,
        kLarge = 1 << 7,  // Directory and Pointers entries: maps memory instead of naming a table
        kNoExecute = uint64_t{1} << 63,
        kAddress = 0x000f'ffff'ffff'f000,
    };
    constexpr PageEntry() = default;
    constexpr explicit PageEntry(uint64_t raw) : raw_(raw) {}
    // Rights are the leaf entries' affair: an entry that names a table allows everything but execute-disable.
    static constexpr PageEntry table(PhysicalAddress address) {
        return PageEntry{address.raw() | kPresent | kWritable | kUser};
    }
    [[nodiscard]] constexpr uint64_t raw() const { return raw_; }
    [[nodiscard]] constexpr bool present() const { return (raw_ & kPresent) != 0; }
    [[nodiscard]] constexpr bool writable() const { return (raw_ & kWritable) != 0; }
    [[nodiscard]] constexpr bool user() const { return (raw_ & kUser) != 0; }
    // A leaf entry: VM says that it maps a device.
    [[nodiscard]] constexpr bool device() const { return (raw_ & kDevicePageBit) != 0; }
    [[nodiscard]] constexpr bool large() const { return (raw_ & kLarge) != 0; }
    [[nodiscard]] constexpr PhysicalAddress address() const { return PhysicalAddress{raw_ & kAddress}; }

  private:
    uint64_t raw_ = 0;
};

// A table in memory. Leaf tables are written by VM on any CPU while we read them, hence the atomic accesses.
class PageTable {
  public:
    static constexpr unsigned kEntries = 512, kUserEntries = 256;  // of a top-level table

    static PageTable& at(PhysicalAddress frame) { return *static_cast<PageTable*>(machine::frame_pointer(frame)); }
    // Acquire pairs with VM's release store of the entry: the contents of the frame it names are visible to our copy.
    [[nodiscard]] PageEntry load(unsigned index) {
        return PageEntry{std::atomic_ref(entries_[index]).load(std::memory_order_acquire)};
    }
    // Release pairs with the acquire in load(), and with the page walker: a table is filled before it is linked.
    void store(unsigned index, PageEntry entry) {
        std::atomic_ref(entries_[index]).store(entry.raw(), std::memory_order_release);
    }

  private:
    alignas(kPageSize) uint64_t entries_[kEntries];
};
static_assert(sizeof(PageTable) == kPageSize);

}  // namespace shoal::kernel::space
