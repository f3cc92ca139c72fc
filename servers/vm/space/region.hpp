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
#include "servers/vm/slab/slab_types.hpp"

namespace shoal::vm {

enum class RegionTraits : uint8_t {
    None = 0,
    GrowsDown = 1,   // a stack: its lowest page is the guard
    Heap = 2,        // ends at the program break
    Loaded = 4,      // part of an image
};

// Work under way on a region without its segment's lock. Other changes of the range wait for it.
enum class RegionWork : uint8_t {
    None = 0,
    Unmapping,   // to the process it is gone already
    Changing,    // its pages are being restated; faults wait
    Copying,     // its pages are being given to another space; faults go on
    Arriving,    // in that other space; faults wait
    Vacant,      // no work: nothing is mapped here, the region waits to be opened again (Segment::vacate())
};

struct RegionAttributes {
    Access access;
    RegionTraits traits = RegionTraits::None;
    RegionWork work = RegionWork::None;
    constexpr bool operator==(const RegionAttributes&) const = default;
    // The process has something mapped there.
    [[nodiscard]] constexpr bool mapped() const { return work != RegionWork::Unmapping && work != RegionWork::Vacant; }
    // Faults wait for the end of the work.
    [[nodiscard]] constexpr bool closed() const { return work == RegionWork::Changing || work == RegionWork::Arriving; }
    // Of what is left of a stack without its lowest page.
    [[nodiscard]] constexpr RegionAttributes without_guard() const {
        return {access, traits == RegionTraits::GrowsDown ? RegionTraits::None : traits, work};
    }
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
    static constexpr uint32_t pack(RegionAttributes a) {
        return a.access.raw() | uint32_t{static_cast<uint8_t>(a.traits)} << 8 | uint32_t{static_cast<uint8_t>(a.work)} << 16;
    }
    static constexpr RegionAttributes unpack(uint32_t word) {
        return {Access::from_raw(word & 0xff), RegionTraits(word >> 8 & 0xff), RegionWork(word >> 16 & 0xff)};
    }
    std::atomic<uint64_t> start_{0}, end_{0};
    std::atomic<uint32_t> attributes_{0};
};
static_assert(sizeof(Region) + sizeof(void*) <= kCacheLine, "with the link while it is free: one line");

}  // namespace shoal::vm
