// Attachment: an object as one space has it: where its pages lie in the space's addresses, and what may be done with them there.
//
// Regions name it in their attributes (RegionAttributes::attachment()). It is made before the first of them, and goes when none is left: who
// unmaps looks for that (calls/attaching.hpp). A fault that has found it in a region may read it until its worker's next quiescent state.
#pragma once

#include <atomic>

#include "base/address.hpp"
#include "base/containers/list.hpp"
#include "servers/vm/leaf/page_state.hpp"
#include "servers/vm/reclaim/reclaimer.hpp"
#include "servers/vm/slab/slab_types.hpp"

namespace shoal::vm {

class MemoryObject;

// A page of an object.
struct ObjectPlace {
    MemoryObject& object;
    uint64_t page;
};

// What of an object a space has, and how.
struct AttachedPart {
    uint64_t first_page = 0;  // of the object, at the start of the range
    PageCount pages;
    Ownership lending = Ownership::Borrowed;  // one of the Borrowed ones
    uint32_t clear_bytes = 0;                 // at the end of the last page, less than a page; of copies only
    bool operator==(const AttachedPart&) const = default;
};

class Attachment;

// A place in the list of those who have an object attached, under the object's lock.
struct AttachmentLink {
    AttachmentLink() = default;
    explicit AttachmentLink(Attachment& of) : attachment(&of) {}
    ListHook hook;
    Attachment* const attachment = nullptr;  // nullptr: where a walk has come to (MemoryObject::walk())
};

class alignas(kCacheLine) Attachment {
  public:
    static constexpr SlabType kSlabType = SlabType::Attachment;

    // space_order: the id of the space (Space::order()).
    Attachment(MemoryObject& object, uint32_t space_order, const AttachedPart& part)
        : object_(&object), part_(part), space_order_(space_order) {}

    [[nodiscard]] MemoryObject& object() const { return *object_; }
    [[nodiscard]] const AttachedPart& part() const { return part_; }
    [[nodiscard]] uint64_t first_page() const { return part_.first_page; }
    // Of the object: the one behind the last.
    [[nodiscard]] uint64_t end_page() const { return part_.first_page + part_.pages.raw(); }
    // Where in a page the zeros begin that stand here for what the object has: kPageSize, nowhere.
    [[nodiscard]] uint64_t cleared_from(uint64_t page) const { return page + 1 == end_page() ? kPageSize - part_.clear_bytes : kPageSize; }
    [[nodiscard]] uint32_t space_order() const { return space_order_; }
    // Where a page of the object is; an address outside of all: nowhere.
    [[nodiscard]] VirtualAddress address_of(uint64_t page) const {
        if (!placed() || page < first_page() || page >= end_page()) return VirtualAddress{kUserTop};
        return start() + ((page - first_page()) << kPageShift);
    }
    // What its pages are to a leaf.
    [[nodiscard]] Ownership lending() const { return part_.lending; }
    [[nodiscard]] bool placed() const { return start() < VirtualAddress{kUserTop}; }
    [[nodiscard]] VirtualRange range() const { return VirtualRange::of(start(), part_.pages.bytes()); }
    [[nodiscard]] ObjectPlace place_of(VirtualAddress address) const {
        return {*object_, first_page() + ((address - start()) >> kPageShift)};
    }

  private:
    friend class AttachmentList;
    // Written before any region names it. seq_cst pairs with AttachmentList::place(): who takes a page away, and finds it unwritten, comes before
    // who maps (Withdrawal)
    [[nodiscard]] VirtualAddress start() const { return start_.load(std::memory_order_seq_cst); }

    // What faults read; on another line what other spaces write, with whom it is on the object's list.
    MemoryObject* const object_;
    const AttachedPart part_;
    const uint32_t space_order_;
    std::atomic<VirtualAddress> start_{VirtualAddress{kUserTop}};

  public:
    alignas(kCacheLine) AttachmentLink link{*this};
    RetireHook retire_hook;

  private:
    Attachment* next_ = nullptr;  // in the space's list
    bool arriving_ = true;        // its regions are yet to come
    bool of_fork_ = false;        // made for a fork's copy: while it is arriving, the fork alone gives it regions
};
static_assert(alignof(Attachment) == 64, "a region's attributes name its line");

}  // namespace shoal::vm
