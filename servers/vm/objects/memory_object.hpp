// MemoryObject: memory that is of no one space: pages by number, which spaces map by attachments.
//
// Shared memory has no name: it lives as long as it has an attachment, and each of them has its quota charged for all of the object's pages, so that
// no memory outlives those who pay for it. Files and devices have one (NamedObjects): they live as long as a page of theirs is cached, or
// somebody has them attached or at hand. With its last use the object ends: its own request frees what there is in steps (calls/object_end.hpp).
#pragma once

#include "base/lock/guard.hpp"
#include "servers/vm/objects/attachment.hpp"
#include "servers/vm/objects/object_name.hpp"
#include "servers/vm/objects/page_block.hpp"

namespace shoal::vm {

class Request;

class alignas(kCacheLine) MemoryObject {
  public:
    static constexpr SlabType kSlabType = SlabType::MemoryObject;

    // With one use, its maker's. end: a request of kind ObjectEnd, the object's until it ends. identity: no other object's.
    MemoryObject(PageCount pages, uint64_t identity, Request& end) : pages_(pages), identity_(identity), end_(&end) {}
    MemoryObject(ObjectName name, uint64_t identity, Request& end) : name_(name), identity_(identity), end_(&end) {}

    // That an attachment pays for.
    [[nodiscard]] PageCount pages() const { return pages_; }
    [[nodiscard]] uint64_t identity() const { return identity_; }
    // Of shared memory: {}.
    [[nodiscard]] ObjectName name() const { return name_; }
    [[nodiscard]] bool named() const { return !(name_ == ObjectName{}); }

    // Of a device: which of its pages are cached, and in which of its files.
    SpinLock<VmRank::Device> pages_lock;
    SpinLock<VmRank::Block> lock;

    // All below under `lock`.
    [[nodiscard]] bool ending() const { return uses_ == 0; }
    // False: it is ending.
    bool use() {
        if (ending()) return false;
        ++uses_;
        return true;
    }
    // The request that ends the object, if this was its last use; or nullptr.
    Request* release() { return --uses_ == 0 ? end_ : nullptr; }
    // The first attachment that came at `order` or later; nullptr: none.
    [[nodiscard]] Attachment* attachment_from(uint64_t order) const { return attachments_.ceiling(order); }
    [[nodiscard]] size_t attachments() const { return attachments_.size(); }
    // Each is a use of its own besides.
    void add(Attachment& attachment) {
        attachment.order = next_order_++;
        attachments_.insert(attachment);
    }
    void remove(Attachment& attachment) { attachments_.remove(attachment); }
    [[nodiscard]] const Request* end_request() const { return end_; }

    using Blocks = List<PageBlock, &PageBlock::of_object_>;
    [[nodiscard]] Blocks& blocks() { return blocks_; }

    RetireHook retire_hook;
    uint32_t audited = 0;  // the audit's own: attachments that it has come across

  private:
    const PageCount pages_{};
    const ObjectName name_{};
    const uint64_t identity_;
    Request* const end_;
    uint32_t uses_ = 1;
    uint64_t next_order_ = 1;
    AvlTree<Attachment, &Attachment::of_object, Attachment::Order> attachments_;
    Blocks blocks_;

  public:
    std::atomic<MemoryObject*> next_of_name{nullptr};  // NamedObjects' own
};

}  // namespace shoal::vm
