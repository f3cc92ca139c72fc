// PageBlock: sixteen neighbouring pages of a memory object, those that are there, each in a frame that the object owns.
//
// A fault finds it without a lock, and reads one word a page. Of shared memory the words are written once each, from empty to a frame, by whoever
// has that frame ready first; of files and devices under the object's lock, both ways. A block lives until it is empty, or its object ends, and
// a grace period longer (Reclaimer).
#pragma once

#include <atomic>

#include "base/containers/list.hpp"
#include "servers/vm/frames/frame_table.hpp"
#include "servers/vm/reclaim/reclaimer.hpp"
#include "servers/vm/slab/slab_types.hpp"

namespace shoal::vm {

class MemoryObject;

// One page's word.
class ObjectPage {
  public:
    constexpr ObjectPage() = default;  // not there
    constexpr explicit ObjectPage(FrameNumber frame, bool once = false) : raw_(frame.address().raw() | kThere | (once ? kOnce : 0)) {}

    [[nodiscard]] constexpr bool there() const { return (raw_ & kThere) != 0; }
    // Of a file: whoever wants it first has it, and then it is no longer there (CacheUse::Once).
    [[nodiscard]] constexpr bool once() const { return (raw_ & kOnce) != 0; }
    [[nodiscard]] constexpr FrameNumber frame() const { return FrameNumber{raw_ >> kPageShift}; }
    constexpr bool operator==(const ObjectPage&) const = default;

  private:
    static constexpr uint64_t kThere = 1, kOnce = 2;
    uint64_t raw_ = 0;
};
static_assert(std::atomic<ObjectPage>::is_always_lock_free);

class alignas(kCacheLine) PageBlock {
  public:
    static constexpr SlabType kSlabType = SlabType::PageBlock;
    static constexpr unsigned kPagesShift = 4, kPages = 1u << kPagesShift;

    PageBlock(MemoryObject& object, uint64_t number) : object_(&object), number_(number) {}

    // The block of a page of the object, and its place there.
    static constexpr uint64_t block_of(uint64_t page) { return page >> kPagesShift; }
    static constexpr unsigned place_of(uint64_t page) { return static_cast<unsigned>(page) & (kPages - 1); }

    [[nodiscard]] bool is(const MemoryObject& object, uint64_t number) const { return object_ == &object && number_ == number; }
    [[nodiscard]] MemoryObject& object() const { return *object_; }
    [[nodiscard]] uint64_t number() const { return number_; }

    // pairs with put() and enter(): the frame comes with its contents and its owner; seq_cst: see leave()
    [[nodiscard]] ObjectPage get(unsigned place) const { return pages_[place].load(std::memory_order_seq_cst); }
    // False: another frame is there already.
    bool put(unsigned place, FrameNumber frame) {
        ObjectPage empty;
        // release pairs with get()
        return pages_[place].compare_exchange_strong(empty, ObjectPage{frame}, std::memory_order_release, std::memory_order_relaxed);
    }
    // Under the object's lock, of files and devices. Returns whether the block is empty now.
    void enter(unsigned place, ObjectPage page) {
        pages_[place].store(page, std::memory_order_release);  // pairs with get()
        ++entered_;
    }
    // seq_cst: whoever looks for a leaf after it, and finds none, comes before the leaf's maker looks here (LeafMap (d))
    bool leave(unsigned place) {
        pages_[place].store(ObjectPage{}, std::memory_order_seq_cst);
        return --entered_ == 0;
    }

    RetireHook retire_hook;

  private:
    friend class PageIndex;
    friend class MemoryObject;
    std::atomic<PageBlock*> next_in_bucket_{nullptr};
    ListHook of_object_;
    MemoryObject* const object_;
    const uint64_t number_;
    uint32_t entered_ = 0;
    std::atomic<ObjectPage> pages_[kPages] = {};
};

}  // namespace shoal::vm
