// MemoryObject: memory that is of no one space: pages by number, which spaces map by attachments.
//
// Shared memory has no name: it lives as long as it has an attachment, and each of them has its quota charged for all of the object's pages, so that
// no memory outlives those who pay for it. Files and devices have one (NamedObjects): they live as long as a page of theirs is cached, or
// somebody has them attached or at hand. With its last use the object ends: its own request frees what there is in steps (calls/object_end.hpp).
#pragma once

#include "base/lock/guard.hpp"
#include "servers/vm/files/file_request.hpp"
#include "servers/vm/objects/attachment.hpp"
#include "servers/vm/objects/object_name.hpp"
#include "servers/vm/objects/page_block.hpp"

namespace shoal::vm {

class Request;

// Where the next fault of a program that goes through a file would be, and how much was read for the last one. Under the object's lock.
struct ReadAhead {
    uint64_t next = 0, pages = 0;
};

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
    [[nodiscard]] const Request* end_request() const { return end_; }

  private:
    // What those read who look for an object; on another line what those write who attach it.
    const PageCount pages_{};
    const ObjectName name_{};
    const uint64_t identity_;
    Request* const end_;

  public:
    std::atomic<MemoryObject*> next_of_name{nullptr};  // NamedObjects' own

    alignas(kCacheLine) SpinLock<VmRank::Block> lock;

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
    [[nodiscard]] uint32_t attachments() const { return attached_; }
    // Each is a use of its own besides.
    void add(Attachment& attachment) {
        attachments_.push_front(attachment.link);
        ++attached_;
    }
    void remove(Attachment& attachment) {
        attachments_.remove(attachment.link);
        --attached_;
    }
    // The next attachment of a walk over all that were there when it began; nullptr: it has ended. walker: the walk's own, which stands between those
    // that it has met and the others; whoever comes, comes before it.
    [[nodiscard]] Attachment* walk(AttachmentLink& walker) {
        if (!walker.hook.linked()) attachments_.push_front(walker);
        AttachmentLink* next = attachments_.next(walker);
        while (next != nullptr && next->attachment == nullptr) next = attachments_.next(*next);  // another walk's
        attachments_.remove(walker);
        if (next == nullptr) return nullptr;
        attachments_.insert_behind(*next, walker);
        return next->attachment;
    }

    // Of a file: how it is open while it has attachments, openings (files/open_file.hpp) or reads under way; else nullptr.
    [[nodiscard]] FileRequest* open() const { return open_.load(std::memory_order_relaxed); }
    void set_open(FileRequest* file) { open_.store(file, std::memory_order_relaxed); }
    [[nodiscard]] FileRequest* take_open_if_unused() {
        if (attached_ > 0 || openings > 0 || !reads_.empty()) return nullptr;
        FileRequest* open_so_far = open();
        if (open_so_far != nullptr) set_open(nullptr);
        return open_so_far;
    }
    // Without the lock: a hint.
    [[nodiscard]] bool seems_open() const { return open() != nullptr; }

  private:
    uint32_t uses_ = 1, attached_ = 0;
    List<AttachmentLink, &AttachmentLink::hook> attachments_;
    std::atomic<FileRequest*> open_{nullptr};  // relaxed: written under the lock; who reads it without only guesses

  public:
    uint32_t openings = 0;
    uint32_t audited = 0;  // the audit's own: attachments that it has come across

    // Its pages that are being read, each in one request at most; each is a use.
    using Reads = AvlTree<FileRequest, &FileRequest::of_object, FileRequest::FirstPage>;
    [[nodiscard]] Reads& reads() { return reads_; }
    using Blocks = List<PageBlock, &PageBlock::of_object_>;
    [[nodiscard]] Blocks& blocks() { return blocks_; }
    ReadAhead read_ahead;

  private:
    Reads reads_;
    Blocks blocks_;

  public:
    // Of a device: which of its pages are cached, and in which of its files.
    SpinLock<VmRank::Device> pages_lock;
    RetireHook retire_hook;
};

}  // namespace shoal::vm
