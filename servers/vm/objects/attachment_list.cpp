#include "servers/vm/objects/attachment_list.hpp"

namespace shoal::vm {

bool AttachmentList::take(LockContext& worker, Attachment& attachment) {
    Guard guard(worker, lock_);
    Attachment* before = nullptr;
    for (Attachment* a = first_.load(std::memory_order_relaxed); a != nullptr; before = a, a = a->next_) {
        if (a != &attachment) continue;
        if (before == nullptr) first_.store(a->next_, std::memory_order_relaxed);
        else before->next_ = a->next_;
        return true;
    }
    return false;
}

Attachment* AttachmentList::take_any(LockContext& worker) {
    Guard guard(worker, lock_);
    Attachment* first = first_.load(std::memory_order_relaxed);
    if (first != nullptr) first_.store(first->next_, std::memory_order_relaxed);
    return first;
}

Attachment* AttachmentList::find_copy(LockContext& worker, const Attachment& other) {
    Guard guard(worker, lock_);
    for (Attachment* a = first_.load(std::memory_order_relaxed); a != nullptr; a = a->next_) {
        const bool ours = a->of_fork_ && a->arriving_ && a->object_ == other.object_;
        if (ours && a->range() == other.range() && a->part_ == other.part_) return a;
    }
    return nullptr;
}

Attachment* AttachmentList::find_arriving_copy(LockContext& worker) {
    Guard guard(worker, lock_);
    for (Attachment* a = first_.load(std::memory_order_relaxed); a != nullptr; a = a->next_)
        if (a->of_fork_ && a->arriving_) return a;
    return nullptr;
}

}  // namespace shoal::vm
