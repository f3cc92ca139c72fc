// Segment: a part of a space's addresses with the regions that lie in it: an AVL tree, a lock for those who change it, and
// a version for those who read it without.
//
// Guarantees.
// (a) lookup() returns a region's data as they stood at the version it returns, or reports a change under way.
// (b) Who changes the tree holds the lock, makes the version odd, changes, makes it even, and only then visits leaves, still
//     under the lock (or with the regions marked by RegionWork). A fault takes the leaf lock and then asks unchanged(). So
//     either the fault's page is there when the visitor comes, or the fault sees the new version. Where the leaf did not
//     exist yet, its insertion and the version are written and read sequentially consistent (LeafMap (d)): the visitor
//     finds the leaf or the fault finds the version. What a leaf has been granted (Grant) goes with its pages.
//     The short munmap (calls/short_ways.hpp) holds the leaf's lock over all of it, of a leaf that it has found before.
// (c) A region that is vacant is no mapping to anybody who looks without the lock. Who takes the lock to look at regions ends the
//     vacancy first (SegmentHold); the short ways (calls/short_ways.hpp) know of it.
// Progress: lookups are wait-free and may ask for a retry. Reclamation: regions are type-stable, see there; segments live as long
// as the space.
#pragma once

#include <atomic>

#include "base/containers/avl.hpp"
#include "base/lock/guard.hpp"
#include "servers/vm/space/hole_stack.hpp"
#include "servers/vm/space/region.hpp"

namespace shoal::vm {

class Request;

enum class Lookup : uint8_t {
    Found,
    Absent,
    Disturbed,  // the tree changed meanwhile: try again
};

struct RegionView {
    Lookup outcome;
    uint64_t version;  // of the segment, even
    VirtualRange range;
    RegionAttributes attributes;
};

class alignas(kCacheLine) Segment {
  public:
    static constexpr SlabType kSlabType = SlabType::Segment;
    using Guard = shoal::Guard<VmRank::Segment>;
    using Held = shoal::Held<VmRank::Segment>;
    using Tree = AvlTree<Region, &Region::hook, Region::Start>;

    explicit Segment(VirtualRange range) : range_(range), next_fresh_(range.start) {}

    // The region over the address, without the lock.
    [[nodiscard]] RegionView lookup(VirtualAddress address) const;
    // After taking a leaf lock: is what lookup() returned still so?
    [[nodiscard]] bool unchanged(const RegionView& view) const {
        // seq_cst pairs with Change: see (b)
        return version_.load(std::memory_order_seq_cst) == view.version;
    }
    [[nodiscard]] VirtualRange range() const { return range_; }

    SpinLock<VmRank::Segment> lock;

    // Marks a change of the tree; made and ended under the lock, which alone writes the version. Leaves are visited after its end.
    // seq_cst pairs with unchanged() and lookup().
    class Change {
      public:
        [[gnu::always_inline]] explicit Change(Segment& segment) : segment_(segment), version_(segment.version_.load(std::memory_order_relaxed)) {
            segment_.version_.store(version_ + 1, std::memory_order_seq_cst);
        }
        [[gnu::always_inline]] ~Change() { segment_.version_.store(version_ + 2, std::memory_order_seq_cst); }
        Change(const Change&) = delete;
        Change& operator=(const Change&) = delete;

      private:
        Segment& segment_;
        const uint64_t version_;
    };

    // The visits of the leaves that a change concerns; made under the lock, before the Change. While they last no leaf of the segment is
    // detached. seq_cst pairs with visiting(): calls/detach.hpp (d).
    class Visits {
      public:
        explicit Visits(Segment& segment) : segment_(segment) { segment_.visiting_.store(true, std::memory_order_seq_cst); }
        ~Visits() { segment_.visiting_.store(false, std::memory_order_seq_cst); }
        Visits(const Visits&) = delete;
        Visits& operator=(const Visits&) = delete;

      private:
        Segment& segment_;
    };
    [[nodiscard]] bool visiting() const { return visiting_.load(std::memory_order_seq_cst); }  // pairs with Visits

    // All below: under the lock.
    [[nodiscard]] RegionView view_locked(VirtualAddress address) const;
    [[nodiscard]] const Tree& regions() const { return regions_; }
    // The first region that reaches into the range, or nullptr.
    [[nodiscard]] Region* first_in(VirtualRange range) const;
    [[nodiscard]] bool is_free(VirtualRange range) const {
        const Region* last = regions_.floor((range.end - 1).raw());
        return last == nullptr || last->end() <= range.start;
    }
    // Every page of the range is in some region.
    [[nodiscard]] bool covered(VirtualRange range) const;
    // As the process sees it: regions that are being unmapped count as gone.
    [[nodiscard]] bool mapped(VirtualRange range) const;
    [[nodiscard]] bool busy(VirtualRange range) const;
    // The region that was vacated or opened last; nullptr: it has gone, or there was none.
    [[nodiscard]] Region* recent() const { return recent_; }
    [[nodiscard]] bool has_vacancy() const { return recent_ != nullptr && recent_->vacant(); }

    // Within a Change. insert: into free addresses. split: `at` inside the region; the part behind becomes `upper`.
    void insert(Region& region);
    void remove(Region& region);
    void split(Region& region, VirtualAddress at, Region& upper);
    void resize_start(Region& region, VirtualAddress start);  // within its own range
    void resize_end(Region& region, VirtualAddress end);
    void move(Region& region, VirtualRange range);  // nothing else lies in the range or between
    // Within a Change, and without changing the tree: unmapped, the region stays where it is, vacant, to be opened again as another
    // map of its size. At most one of a segment is vacant.
    void vacate(Region& region) {
        region.set_attributes({Access::none(), RegionTraits::None, RegionWork::Vacant});
        mapped_bytes_ -= region.range().size();
        recent_ = &region;
    }
    void open_recent(Access access) {
        recent_->set_attributes({access});
        mapped_bytes_ += recent_->range().size();
    }

    // Free addresses for a map that may lie anywhere: a hole of late, fresh addresses, or what a search finds.
    // alignment: a power of two [bytes]. Empty: none.
    [[nodiscard]] VirtualRange find_free(uint64_t bytes, uint64_t alignment, VirtualAddress from);
    // To be mapped again first. But what lies below the leaf that small maps have moved on to is for whole leaves, or left to the search.
    void reuse(VirtualRange hole) {
        if (hole.end > moved_to_ || hole.size() >= kLeafSize) holes_.push(hole);
    }
    // A small map was unmapped, and another CPU had to flush it: that one uses something else in the leaf, perhaps. When it has
    // happened often enough, small maps move on to a leaf that nobody uses yet; and then not before it has happened twice as
    // often, so that the tables that this costs are the logarithm of what it may save.
    void note_flushed_elsewhere();

    [[nodiscard]] uint64_t mapped_pages() const { return mapped_bytes_ >> kPageShift; }

    Request* waiting = nullptr;  // for the end of a RegionWork; chained
    uint32_t paid_pages = 0;     // of the space's quota, for the regions (Space::pay_for_regions)

  private:
    [[nodiscard]] VirtualRange search(uint64_t bytes, uint64_t alignment, VirtualAddress from) const;

    // What faults read, apart from the lock: who waits for it does not take this line from who changes it.
    alignas(kCacheLine) std::atomic<uint64_t> version_{0};
    std::atomic<bool> visiting_{false};
    Tree regions_;
    Region* recent_ = nullptr;
    VirtualRange range_;
    VirtualAddress next_fresh_;  // nothing has been mapped anywhere from here on by find_free()
    uint64_t mapped_bytes_ = 0;
    VirtualAddress moved_to_{0};
    uint32_t flushed_elsewhere_ = 0, patience_ = 16;
    HoleStack holes_;
};

[[gnu::always_inline]] inline RegionView Segment::lookup(VirtualAddress address) const {
    // seq_cst pairs with Change: the version is read before and after the search, whose loads are acquires
    const uint64_t version = version_.load(std::memory_order_seq_cst);
    if ((version & 1) != 0) return {Lookup::Disturbed, version, {}, {}};
    RegionView view{Lookup::Absent, version, {}, {}};
    if (const Region* region = regions_.floor_racing(address.raw())) {
        view.range = region->range();
        view.attributes = region->attributes();
        if (view.range.contains(address)) view.outcome = Lookup::Found;
    }
    // as above, pairs with Change
    if (version_.load(std::memory_order_seq_cst) != version) view.outcome = Lookup::Disturbed;
    return view;
}

}  // namespace shoal::vm
