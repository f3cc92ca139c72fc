// AttachmentList: the attachments of one space. Few, and changed when objects are mapped and unmapped: one list under one lock.
#pragma once

#include <atomic>

#include "servers/vm/objects/attachment.hpp"

namespace shoal::vm {

class AttachmentList {
  public:
    // Without the lock: a hint, exact to who has made or unmapped the regions in question.
    [[nodiscard]] bool empty() const { return first_.load(std::memory_order_relaxed) == nullptr; }

    void add(LockContext& worker, Attachment& attachment) {
        Guard guard(worker, lock_);
        attachment.next_ = first_.load(std::memory_order_relaxed);
        first_.store(&attachment, std::memory_order_relaxed);
    }
    // Where it begins; before any region names it. A segment's lock may be held.
    void place(LockContext& worker, Attachment& attachment, VirtualAddress start) {
        Guard guard(worker, lock_);
        attachment.start_ = start;
    }
    // Its regions are there; from now on it goes when they do.
    void settle(LockContext& worker, Attachment& attachment) {
        Guard guard(worker, lock_);
        attachment.arriving_ = false;
    }
    // False: somebody else has taken it.
    bool take(LockContext& worker, Attachment& attachment);
    // The first one in the list, taken; nullptr: none.
    Attachment* take_any(LockContext& worker);

    // Those that reach into the range and have arrived, behind so many of them. Returns how many, at most as many as there is room for.
    template <size_t kRoom>
    size_t collect(LockContext& worker, VirtualRange range, size_t behind, Attachment* (&found)[kRoom]) {
        Guard guard(worker, lock_);
        size_t count = 0;
        for (Attachment* a = first_.load(std::memory_order_relaxed); a != nullptr && count < kRoom; a = a->next_) {
            if (a->arriving_ || a->range().intersect(range).empty()) continue;
            if (behind > 0) --behind;
            else found[count++] = a;
        }
        return count;
    }
    // One of the object that lies as the other one does; nullptr: none.
    Attachment* find_like(LockContext& worker, const Attachment& other);

    // Calls visit(const Attachment&) for each.
    template <typename Visit>
    void for_each(LockContext& worker, Visit visit) {
        Guard guard(worker, lock_);
        for (const Attachment* a = first_.load(std::memory_order_relaxed); a != nullptr; a = a->next_) visit(*a);
    }

  private:
    SpinLock<VmRank::Block> lock_;
    std::atomic<Attachment*> first_{nullptr};  // written under the lock
};

}  // namespace shoal::vm
