// PageEntry: an entry of a last-level page table (SDM vol. 3A, table 4-20), and PageTable: 512 of them, one frame.
//
// VM writes entries under the leaf lock; the CPUs' page walkers read them at any time. Accessed and dirty are set in
// advance, so that a walker never writes: the line stays with the CPU that maps. A page without any access keeps its frame
// in an entry that is held but not present. One that is leaving is neither: the page is gone, and a reference to its frame stays
// in the entry until the flush (FlushBatch).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "abi/memory.hpp"
#include "base/address.hpp"
#include "servers/vm/leaf/page_state.hpp"

namespace shoal::vm {

class PageEntry {
  public:
    constexpr PageEntry() = default;  // nothing held
    constexpr PageEntry(FrameNumber frame, Access access)
        : raw_(frame.address().raw() | kHeld | access_bits(access)) {}
    constexpr PageEntry(FrameNumber frame, PageState state)
        : raw_(PageEntry{frame, state.access}.raw_ | (state.ownership == Ownership::Device ? kDevice : 0)) {}
    static constexpr PageEntry from_raw(uint64_t raw) { return PageEntry{raw}; }
    // next: a page of the same table whose entry is leaving with this one, or kNoPage.
    static constexpr PageEntry leaving(FrameNumber frame, unsigned next) {
        return PageEntry{frame.address().raw() | kLeaving | uint64_t{next} << kNextShift};
    }
    static constexpr unsigned kNoPage = kPagesPerLeaf;

    [[nodiscard]] constexpr uint64_t raw() const { return raw_; }
    [[nodiscard]] constexpr bool held() const { return (raw_ & kHeld) != 0; }
    [[nodiscard]] constexpr bool present() const { return (raw_ & kPresent) != 0; }
    // What it maps is reached by the CPU alone, and not cached.
    [[nodiscard]] constexpr bool device() const { return (raw_ & kDevice) != 0; }
    [[nodiscard]] constexpr bool is_leaving() const { return (raw_ & (kHeld | kLeaving)) == kLeaving; }
    [[nodiscard]] constexpr unsigned next_leaving() const { return static_cast<unsigned>(raw_ >> kNextShift); }
    [[nodiscard]] constexpr FrameNumber frame() const { return FrameNumber{(raw_ & kFrame) >> kPageShift}; }
    // What the CPU would allow.
    [[nodiscard]] constexpr Access access() const {
        if (!present()) return Access::none();
        if ((raw_ & kWritable) != 0) return Access::read_write();
        return (raw_ & kNoExecute) != 0 ? Access::read() : Access::read_execute();
    }
    constexpr bool operator==(const PageEntry&) const = default;

  private:
    static constexpr uint64_t kPresent = 1 << 0, kWritable = 1 << 1, kUser = 1 << 2, kAccessed = 1 << 5, kDirty = 1 << 6;
    static constexpr uint64_t kHeld = 1 << 9, kLeaving = 1 << 10;  // ignored by the CPU
    // UC-: write combining where an MTRR says so (SDM vol. 3A, tables 12-7 and 12-10).
    static constexpr uint64_t kDevice = 1 << 4 | kDevicePageBit;
    static constexpr unsigned kNextShift = 52;                     // likewise where the entry is not present
    static constexpr uint64_t kNoExecute = uint64_t{1} << 63;
    static constexpr uint64_t kFrame = 0x000f'ffff'ffff'f000;

    constexpr explicit PageEntry(uint64_t raw) : raw_(raw) {}
    static constexpr uint64_t access_bits(Access access) { return kAccessBits[access.raw()]; }
    static constexpr std::array<uint64_t, Access::kValues> kAccessBits = [] {
        std::array<uint64_t, Access::kValues> bits{};
        for (uint8_t raw = 1; raw < Access::kValues; ++raw) {
            const Access access = Access::from_raw(raw);
            bits[raw] = kPresent | kUser | kAccessed | kDirty | (access.writes() ? kWritable : 0) | (access.executes() ? 0 : kNoExecute);
        }
        return bits;
    }();
    uint64_t raw_ = 0;
};

class PageTable {
  public:
    [[nodiscard]] PageEntry get(unsigned page) const {
        return PageEntry::from_raw(entries_[page].load(std::memory_order_relaxed));
    }
    // release pairs with the page walker (x86 walks see stores in order; the host's software walker acquires): the page's
    // contents are there before its entry.
    void set(unsigned page, PageEntry entry) { entries_[page].store(entry.raw(), std::memory_order_release); }

  private:
    std::atomic<uint64_t> entries_[kPagesPerLeaf];
};
static_assert(sizeof(PageTable) == kPageSize);

// The index of an address' page in its leaf.
constexpr unsigned page_in_leaf(VirtualAddress address) {
    return static_cast<unsigned>(address.raw() >> kPageShift) & (kPagesPerLeaf - 1);
}

}  // namespace shoal::vm
