// Addresses, frames, pages and ranges of them. Nothing here converts to another kind by itself.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/strong.hpp"

namespace shoal {

inline constexpr unsigned kPageShift = 12;
inline constexpr size_t kPageSize = size_t{1} << kPageShift;
inline constexpr unsigned kLeafShift = 21;  // what one last-level page table maps
inline constexpr size_t kLeafSize = size_t{1} << kLeafShift;
inline constexpr size_t kPagesPerLeaf = kLeafSize / kPageSize;

// The last page below 2^47 stays unmapped: SYSRET to a non-canonical address faults in ring 0 (SDM vol. 2B, SYSRET).
inline constexpr uint64_t kUserTop = (uint64_t{1} << 47) - kPageSize;

class PhysicalAddress : public Strong<struct PhysicalAddressTag, uint64_t> {
  public:
    using Strong::Strong;
    [[nodiscard]] constexpr PhysicalAddress operator+(uint64_t bytes) const {
        return PhysicalAddress{raw() + bytes};
    }
};

class FrameNumber : public Strong<struct FrameNumberTag, uint64_t> {
  public:
    using Strong::Strong;
    static constexpr FrameNumber of(PhysicalAddress address) {
        return FrameNumber{address.raw() >> kPageShift};
    }
    [[nodiscard]] constexpr PhysicalAddress address() const {
        return PhysicalAddress{raw() << kPageShift};
    }
    [[nodiscard]] constexpr FrameNumber operator+(uint64_t frames) const {
        return FrameNumber{raw() + frames};
    }
};

// An address in some process' space; which one, the context says.
class VirtualAddress : public Strong<struct VirtualAddressTag, uint64_t> {
  public:
    using Strong::Strong;
    [[nodiscard]] constexpr VirtualAddress operator+(uint64_t bytes) const {
        return VirtualAddress{raw() + bytes};
    }
    [[nodiscard]] constexpr VirtualAddress operator-(uint64_t bytes) const {
        return VirtualAddress{raw() - bytes};
    }
    [[nodiscard]] constexpr uint64_t operator-(VirtualAddress other) const {
        return raw() - other.raw();
    }
    [[nodiscard]] constexpr VirtualAddress page_down() const {
        return VirtualAddress{raw() & ~uint64_t{kPageSize - 1}};
    }
    [[nodiscard]] constexpr VirtualAddress leaf_down() const {
        return VirtualAddress{raw() & ~uint64_t{kLeafSize - 1}};
    }
    [[nodiscard]] constexpr bool page_aligned() const { return (raw() & (kPageSize - 1)) == 0; }
    [[nodiscard]] constexpr uint64_t page_offset() const { return raw() & (kPageSize - 1); }
    [[nodiscard]] constexpr bool in_user_space() const { return raw() < kUserTop; }
};

class PageCount : public Strong<struct PageCountTag, uint64_t> {
  public:
    using Strong::Strong;
    // Bytes must not exceed 2^64 - 4096; callers check lengths first.
    static constexpr PageCount covering(uint64_t bytes) {
        return PageCount{(bytes + kPageSize - 1) >> kPageShift};
    }
    [[nodiscard]] constexpr uint64_t bytes() const { return raw() << kPageShift; }
    [[nodiscard]] constexpr PageCount operator+(PageCount other) const {
        return PageCount{raw() + other.raw()};
    }
    [[nodiscard]] constexpr PageCount operator-(PageCount other) const {
        return PageCount{raw() - other.raw()};
    }
};

// [start, end): page-aligned where a page table is meant, any bytes where memory is copied.
struct VirtualRange {
    VirtualAddress start;
    VirtualAddress end;

    static constexpr VirtualRange of(VirtualAddress start, uint64_t bytes) {
        return {start, start + bytes};
    }
    [[nodiscard]] constexpr uint64_t size() const { return end - start; }
    [[nodiscard]] constexpr bool empty() const { return start >= end; }
    [[nodiscard]] constexpr PageCount pages() const { return PageCount{size() >> kPageShift}; }
    [[nodiscard]] constexpr bool contains(VirtualAddress a) const { return start <= a && a < end; }
    [[nodiscard]] constexpr bool contains(VirtualRange r) const {
        return start <= r.start && r.end <= end;
    }
    [[nodiscard]] constexpr bool overlaps(VirtualRange r) const {
        return start < r.end && r.start < end;
    }
    [[nodiscard]] constexpr VirtualRange intersect(VirtualRange r) const {
        return {start > r.start ? start : r.start, end < r.end ? end : r.end};
    }
    constexpr bool operator==(const VirtualRange&) const = default;
};

struct FrameRange {
    FrameNumber first;
    uint64_t count = 0;
    [[nodiscard]] constexpr FrameNumber end() const { return first + count; }
    [[nodiscard]] constexpr bool contains(FrameNumber f) const { return first <= f && f < end(); }
    constexpr bool operator==(const FrameRange&) const = default;
};

// A user's bytes from a call's arguments: checked against user space before anything is copied, never dereferenced.
template <typename T>
class UserPointer : public Strong<struct UserPointerTag, uint64_t> {
  public:
    using Strong::Strong;
    [[nodiscard]] constexpr VirtualRange range(uint64_t count = 1) const {
        return VirtualRange::of(VirtualAddress{raw()}, count * sizeof(T));
    }
    // True if count objects lie below kUserTop without wrapping.
    [[nodiscard]] constexpr bool plausible(uint64_t count = 1) const {
        return count <= kUserTop / sizeof(T) && raw() <= kUserTop - count * sizeof(T);
    }
};

}  // namespace shoal
