// Region: a mapping's part in one segment: a range of pages with one access and one set of traits.
//
// Written under the segment's lock between Segment::Change's marks; read beside that by lock-free lookups, which validate
// the segment's version. Hence the atomics: each field may be read while it changes, and is then thrown away.
//
// Type-stable: a region that was removed is used again at once, perhaps in another segment or space. A search that stands on it
// goes on among regions, and then finds the version changed: removing it came before all that it has become. So neither unmapping
// nor mapping has to wait for a grace period, nor to look at any other worker.
#pragma once

#include <atomic>

#include "base/containers/avl.hpp"
#include "servers/vm/leaf/access.hpp"
#include "servers/vm/memory/memory_type.hpp"
#include "servers/vm/slab/slab_types.hpp"

namespace shoal::vm {

class Attachment;

enum class RegionTraits : uint8_t {
    None = 0,
    GrowsDown = 1,   // a stack: its lowest page is the guard. It alone has this bit (unites_with())
    Heap = 2,        // ends at the program break
    Loaded = 4,      // part of an image
    Preallocated = 6,  // mapped before it was wanted (rs_memctl)
};

// Work under way on a region without its segment's lock. Other changes of the range wait for it.
enum class RegionWork : uint8_t {
    None = 0,
    Unmapping,   // to the process it is gone already
    Changing,    // its pages are being restated; faults wait
    Copying,     // its pages are being given to another space; faults go on
    Arriving,    // in that other space; faults wait
    Replacing,   // another mapping already, whose pages are still being unmapped; faults wait
    Vacant,      // no work: nothing is mapped here, the region waits to be opened again (Segment::vacate())
};

struct RegionAttributes {
    Access access;
    RegionTraits traits = RegionTraits::None;
    RegionWork work = RegionWork::None;
    MemoryType type = MemoryType::Anonymous;
    // What the memory is of, in whole pages. Direct: physical less virtual address. An object's: its Attachment. So parting a region, or moving
    // its border, leaves it as it is, and of neighbours only those are alike that map on from one to the other.
    uint64_t backing = 0;
    constexpr bool operator==(const RegionAttributes&) const = default;
    // Anonymous memory with nothing special to it.
    [[nodiscard]] constexpr bool plain() const {
        return traits == RegionTraits::None && work == RegionWork::None && type == MemoryType::Anonymous;
    }
    // Direct: where an address lies.
    [[nodiscard]] constexpr PhysicalAddress physical(VirtualAddress address) const { return PhysicalAddress{address.raw() + backing}; }
    // Direct, to lie at the address from here on; backing is the physical address itself until then.
    [[nodiscard]] constexpr RegionAttributes placed_at(VirtualAddress start) const {
        RegionAttributes placed = *this;
        if (type == MemoryType::Direct) placed.backing -= start.raw();
        return placed;
    }
    // An object's; nullptr: other memory.
    [[nodiscard]] Attachment* attachment() const {
        return type == MemoryType::Shared || type == MemoryType::File ? reinterpret_cast<Attachment*>(backing >> kAttachmentShift) : nullptr;
    }
    // type: Shared or File.
    static RegionAttributes of(Access access, MemoryType type, const Attachment& attachment) {
        const uint64_t word = reinterpret_cast<uint64_t>(&attachment) << kAttachmentShift;
        return {access, RegionTraits::None, RegionWork::None, type, word};
    }
    // The process has something mapped there.
    [[nodiscard]] constexpr bool mapped() const { return work != RegionWork::Unmapping && work != RegionWork::Vacant; }
    // Faults wait for the end of the work.
    [[nodiscard]] constexpr bool closed() const {
        return work == RegionWork::Changing || work == RegionWork::Arriving || work == RegionWork::Replacing;
    }
    // Pages may still be there that the region does not tell of.
    [[nodiscard]] constexpr bool going() const { return work == RegionWork::Unmapping || work == RegionWork::Replacing; }
    // Of what is left of a stack without its lowest page.
    [[nodiscard]] constexpr RegionAttributes without_guard() const {
        RegionAttributes rest = *this;
        if (traits == RegionTraits::GrowsDown) rest.traits = RegionTraits::None;
        return rest;
    }

  private:
    // Lines become pages: attachments lie on lines of their own (static_assert in objects/attachment.hpp), below 2^47.
    static constexpr unsigned kAttachmentShift = kPageShift - 6;
};

class Region {
  public:
    static constexpr SlabType kSlabType = SlabType::Region;
    static constexpr SlabKind kSlabKind = SlabKind::TypeStable;
    static constexpr uint32_t kStock = 8;

    // In no tree: from now on it is this one.
    void become(VirtualRange range, RegionAttributes attributes) {
        set_start(range.start);
        set_end(range.end);
        set_attributes(attributes);
    }

    // acquire, release: a reader that meets a new value also meets the version that announces it (pairs with each other).
    [[nodiscard]] VirtualAddress start() const { return VirtualAddress{start_.load(std::memory_order_acquire)}; }
    [[nodiscard]] VirtualAddress end() const { return VirtualAddress{end_.load(std::memory_order_acquire)}; }
    [[nodiscard]] VirtualRange range() const { return {start(), end()}; }
    [[nodiscard]] RegionAttributes attributes() const { return unpack(attributes_.load(std::memory_order_acquire)); }

    // attributes().plain(), and whether it is vacant, by one test of their word. acquire pairs with set_attributes()
    [[nodiscard]] bool plain() const { return (attributes_.load(std::memory_order_acquire) & kSpecial) == 0; }
    [[nodiscard]] bool vacant() const {
        // acquire pairs with set_attributes()
        return (attributes_.load(std::memory_order_acquire) & kWork) == pack({Access::none(), RegionTraits::None, RegionWork::Vacant});
    }

    // acquire pairs with set_attributes()
    [[nodiscard]] bool is(RegionAttributes attributes) const { return attributes_.load(std::memory_order_acquire) == pack(attributes); }
    // Under the lock: neighbours that are one mapping, with no work under way and no guard between.
    [[nodiscard]] bool unites_with(const Region& next) const {
        const uint64_t word = attributes_.load(std::memory_order_relaxed);  // only who holds the lock writes it
        constexpr uint64_t kGuarded = uint64_t{static_cast<uint8_t>(RegionTraits::GrowsDown)} << kBits;
        return word == next.attributes_.load(std::memory_order_relaxed) && (word & (kWork | kGuarded)) == 0 && end() == next.start();
    }

    // release pairs with the loads above
    void set_start(VirtualAddress start) { start_.store(start.raw(), std::memory_order_release); }
    void set_end(VirtualAddress end) { end_.store(end.raw(), std::memory_order_release); }
    void set_attributes(RegionAttributes attributes) {
        attributes_.store(pack(attributes), std::memory_order_release);  // pairs with attributes()
    }
    void set_work(RegionWork work) {
        RegionAttributes changed = attributes();
        changed.work = work;
        set_attributes(changed);
    }

    struct Start {
        uint64_t operator()(const Region& region) const { return region.start().raw(); }
    };
    AvlHook hook;

  private:
    // In the bits that a backing of whole pages leaves free.
    static constexpr unsigned kBits = 3, kMask = (1u << kBits) - 1;
    static constexpr uint64_t pack(RegionAttributes a) {
        return a.backing | a.access.raw() | uint64_t{static_cast<uint8_t>(a.traits)} << kBits |
               uint64_t{static_cast<uint8_t>(a.work)} << 2 * kBits | uint64_t{static_cast<uint8_t>(a.type)} << 3 * kBits;
    }
    static constexpr RegionAttributes unpack(uint64_t word) {
        return {Access::from_raw(word & kMask), RegionTraits(word >> kBits & kMask), RegionWork(word >> 2 * kBits & kMask),
                MemoryType(word >> 3 * kBits & kMask), word & ~uint64_t{kPageSize - 1}};
    }
    static constexpr uint64_t kWork = uint64_t{kMask} << 2 * kBits, kSpecial = (kPageSize - 1) & ~uint64_t{kMask};
    static_assert(4 * kBits == kPageShift && Access::kValues <= kMask + 1);
    std::atomic<uint64_t> start_{0}, end_{0};
    std::atomic<uint64_t> attributes_{0};
};
static_assert(sizeof(Region) + sizeof(void*) <= kCacheLine, "with the link while it is free: one line");

}  // namespace shoal::vm
