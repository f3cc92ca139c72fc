// Attachment: an object as one space has it: where its pages lie in the space's addresses, and what may be done with them there.
//
// Regions name it in their attributes (RegionAttributes::attachment()). It is made before the first of them, and goes when none is left: who
// unmaps looks for that (calls/attaching.hpp). A fault that has found it in a region may read it until its worker's next quiescent state.
#pragma once

#include <atomic>

#include "abi/endpoint.hpp"
#include "base/address.hpp"
#include "base/containers/avl.hpp"
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

class alignas(kCacheLine) Attachment {
  public:
    static constexpr SlabType kSlabType = SlabType::Attachment;

    // first_page: of the object, at the start of the range.
    Attachment(MemoryObject& object, ProcessId process, uint64_t first_page, PageCount pages, Ownership lending)
        : object_(&object), first_page_(first_page), bytes_(pages.bytes()), process_(process), lending_(lending) {}

    [[nodiscard]] MemoryObject& object() const { return *object_; }
    [[nodiscard]] uint64_t first_page() const { return first_page_; }
    [[nodiscard]] ProcessId process() const { return process_; }
    // Where a page of the object is; an address outside of all: nowhere.
    [[nodiscard]] VirtualAddress address_of(uint64_t page) const {
        const uint64_t offset = (page - first_page_) << kPageShift;
        if (!placed()) return VirtualAddress{kUserTop};
        return page >= first_page_ && offset < bytes_ ? start() + offset : VirtualAddress{kUserTop};
    }
    // What its pages are to a leaf: Borrowed or BorrowedReadOnly.
    [[nodiscard]] Ownership lending() const { return lending_; }
    [[nodiscard]] bool placed() const { return start() < VirtualAddress{kUserTop}; }
    [[nodiscard]] VirtualRange range() const { return VirtualRange::of(start(), bytes_); }
    [[nodiscard]] ObjectPlace place_of(VirtualAddress address) const {
        return {*object_, first_page_ + ((address - start()) >> kPageShift)};
    }

    RetireHook retire_hook;
    // The object's own, under its lock: those that have it attached, in the order in which they came.
    AvlHook of_object;
    uint64_t order = 0;
    struct Order {
        uint64_t operator()(const Attachment& attachment) const { return attachment.order; }
    };

  private:
    friend class AttachmentList;
    MemoryObject* const object_;
    const uint64_t first_page_;
    const uint64_t bytes_;
    // Written before any region names it. seq_cst pairs with AttachmentList::place(): who takes a page away, and finds it unwritten, comes before
    // who maps (Withdrawal)
    [[nodiscard]] VirtualAddress start() const { return start_.load(std::memory_order_seq_cst); }
    std::atomic<VirtualAddress> start_{VirtualAddress{kUserTop}};
    Attachment* next_ = nullptr;
    const ProcessId process_;
    const Ownership lending_;
    bool arriving_ = true;    // its regions are yet to come
    bool of_fork_ = false;    // made for a fork's copy: while it is arriving, the fork alone gives it regions
};
static_assert(alignof(Attachment) == 64, "a region's attributes name its line");

}  // namespace shoal::vm
