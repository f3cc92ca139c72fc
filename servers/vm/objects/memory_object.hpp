// MemoryObject: memory that is of no one space: pages by number, which spaces map by attachments.
//
// It lives as long as it has an attachment; each of them has its quota charged for all of the object's pages, so that no memory outlives those
// who pay for it. When the last one goes the object ends: its own request frees the pages in steps (calls/object_end.hpp).
#pragma once

#include "base/lock/guard.hpp"
#include "servers/vm/objects/page_block.hpp"

namespace shoal::vm {

class Request;

class alignas(kCacheLine) MemoryObject {
  public:
    static constexpr SlabType kSlabType = SlabType::MemoryObject;

    // end: a request of kind ObjectEnd, the object's until it ends. identity: no other object's.
    MemoryObject(PageCount pages, uint64_t identity, Request& end) : pages_(pages), identity_(identity), end_(&end) {}

    [[nodiscard]] PageCount pages() const { return pages_; }
    [[nodiscard]] uint64_t identity() const { return identity_; }

    SpinLock<VmRank::Block> lock;

    // All below under the lock.
    [[nodiscard]] bool ending() const { return attachments_ == 0; }
    [[nodiscard]] uint32_t attachments() const { return attachments_; }
    // False: it is ending.
    bool attach() {
        if (ending()) return false;
        ++attachments_;
        return true;
    }
    // The request that ends the object, if this was the last one; or nullptr.
    Request* detach() { return --attachments_ == 0 ? end_ : nullptr; }
    [[nodiscard]] const Request* end_request() const { return end_; }

    void add(PageBlock& block) {
        block.next_of_object_ = blocks_;
        blocks_ = &block;
    }
    // nullptr: no block is left.
    PageBlock* take_block() {
        PageBlock* block = blocks_;
        if (block != nullptr) blocks_ = block->next_of_object_;
        return block;
    }
    // For the audit.
    template <typename Visit>
    void for_each_block(Visit visit) const {
        for (const PageBlock* block = blocks_; block != nullptr; block = block->next_of_object_) visit(*block);
    }

    RetireHook retire_hook;
    uint32_t audited = 0;  // the audit's own: attachments that it has come across

  private:
    const PageCount pages_;
    const uint64_t identity_;
    Request* const end_;
    uint32_t attachments_ = 1;  // of whoever makes it
    PageBlock* blocks_ = nullptr;
};

}  // namespace shoal::vm
