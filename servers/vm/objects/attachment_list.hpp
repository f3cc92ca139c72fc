// AttachmentList: the attachments of one space. Few, and changed when objects are mapped and unmapped: one list under one lock.
#pragma once

#include <atomic>

#include "base/lock/guard.hpp"
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
        attachment.start_.store(start, std::memory_order_seq_cst);  // pairs with Attachment::start()
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
    // It is a fork's, which settles it.
    void mark_copy(LockContext& worker, Attachment& attachment) {
        Guard guard(worker, lock_);
        attachment.of_fork_ = true;
    }
    // What the fork under way has made that lies as the other one does, of the same object; nullptr: nothing.
    Attachment* find_copy(LockContext& worker, const Attachment& other);
    // Any that a fork has made and not settled; nullptr: none.
    Attachment* find_arriving_copy(LockContext& worker);

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
