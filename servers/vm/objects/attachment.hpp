// Attachment: an object as one space has it: where its pages lie in the space's addresses, and what may be done with them there.
//
// Regions name it in their attributes (RegionAttributes::attachment()). It is made before the first of them, and goes when none is left: who
// unmaps looks for that (calls/attaching.hpp). A fault that has found it in a region may read it until its worker's next quiescent state.
#pragma once

#include "servers/vm/leaf/page_state.hpp"
#include "servers/vm/objects/memory_object.hpp"

namespace shoal::vm {

// A page of an object.
struct ObjectPlace {
    MemoryObject& object;
    uint64_t page;
};

class alignas(kCacheLine) Attachment {
  public:
    static constexpr SlabType kSlabType = SlabType::Attachment;

    // first_page: of the object, at the start of the range.
    Attachment(MemoryObject& object, uint64_t first_page, PageCount pages, Ownership lending)
        : object_(&object), first_page_(first_page), bytes_(pages.bytes()), lending_(lending) {}

    [[nodiscard]] MemoryObject& object() const { return *object_; }
    [[nodiscard]] uint64_t first_page() const { return first_page_; }
    // What its pages are to a leaf: Borrowed or BorrowedReadOnly.
    [[nodiscard]] Ownership lending() const { return lending_; }
    [[nodiscard]] VirtualRange range() const { return VirtualRange::of(start_, bytes_); }
    [[nodiscard]] ObjectPlace place_of(VirtualAddress address) const {
        return {*object_, first_page_ + ((address - start_) >> kPageShift)};
    }

    RetireHook retire_hook;

  private:
    friend class AttachmentList;
    MemoryObject* const object_;
    const uint64_t first_page_;
    const uint64_t bytes_;
    VirtualAddress start_;    // written before any region names it
    Attachment* next_ = nullptr;
    const Ownership lending_;
    bool arriving_ = true;    // its regions are yet to come
};
static_assert(alignof(Attachment) == 64 && sizeof(Attachment) == 64, "a region's attributes name its line");

}  // namespace shoal::vm
