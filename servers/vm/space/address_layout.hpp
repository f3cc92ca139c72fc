// AddressLayout: how a space's addresses are divided. [2^46, 2^47) is cut into slices, one a CPU, each a segment of its own,
// where a CPU places the mappings that may lie anywhere; the half below is common: images, heap, stacks, fixed maps, and maps
// too large for a slice.
#pragma once

#include <bit>

#include "base/address.hpp"
#include "base/cpu.hpp"

namespace shoal::vm {

class AddressLayout {
  public:
    static constexpr VirtualAddress kLowest{0x1'0000};  // nothing below: null pointers and small offsets from them
    static constexpr VirtualAddress kSlices{uint64_t{1} << 46};
    static constexpr VirtualAddress kTop{kUserTop};
    // Maps that may lie anywhere and do not fit a slice begin here; below are images and heaps.
    static constexpr VirtualAddress kCommonMaps{uint64_t{1} << 44};
    static constexpr VirtualAddress kStackTop{kSlices.raw() - kLeafSize};

    constexpr explicit AddressLayout(uint32_t cpus)
        : shift_(46 - static_cast<unsigned>(std::bit_width(cpus - 1))) {}

    // 0: the common half; CPU number + 1: its slice.
    [[nodiscard]] constexpr uint32_t segment_of(VirtualAddress address) const {
        if (address < kSlices) return 0;
        return static_cast<uint32_t>((address - kSlices) >> shift_) + 1;
    }
    [[nodiscard]] constexpr VirtualRange segment_range(uint32_t segment) const {
        if (segment == 0) return {kLowest, kSlices};
        const VirtualAddress start = kSlices + (uint64_t{segment - 1} << shift_);
        const VirtualAddress end = start + (uint64_t{1} << shift_);
        return {start, end < kTop ? end : kTop};
    }
    // Whether a map may lie exactly there.
    [[nodiscard]] static constexpr bool can_map(VirtualAddress address, uint64_t bytes) {
        return address >= kLowest && address.page_aligned() && address.in_user_space() && bytes <= kUserTop - address.raw();
    }
    [[nodiscard]] static constexpr uint32_t slice_of(CpuId cpu) { return uint32_t{cpu.raw()} + 1; }
    // A slice of fewer CPUs than a power of two leaves address ranges that belong to no CPU; they are segments like others.
    [[nodiscard]] constexpr uint32_t segments() const { return (1u << (46 - shift_)) + 1; }

  private:
    unsigned shift_;
};

}  // namespace shoal::vm
