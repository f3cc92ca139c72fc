#include "servers/vm/fault/payment.hpp"

#include "servers/vm/fault/judge.hpp"
#include "servers/vm/space/space.hpp"

namespace shoal::vm {

namespace {

bool may_pay_for_another(const Space& space) {
    constexpr uint64_t kKeptPart = 8;
    constexpr uint64_t kMostForAPage = 2;  // and its table
    const uint64_t limit = space.quota.limit().raw();
    return space.quota.charged().raw() + limit / kKeptPart + kMostForAPage <= limit;
}

// A peek without the lock: who has just touched it himself is not asked to pay.
bool is_absent(const Space& space, VirtualAddress address) {
    const Leaf* leaf = space.leaves.find(address);
    return leaf == nullptr || !leaf->table().get(page_in_leaf(address)).held();
}

// As its regions are now, wherever they are kept.
Touch judge_now(WorkerContext& context, Space& space, VirtualAddress address, Access needed) {
    Segment* segment = space.find_segment(address);
    if (segment == nullptr) return Touch::NoRegion;
    Segment::Guard guard(context.locks(), segment->lock);
    if (Leaf* leaf = space.leaves.find(address); leaf != nullptr && leaf->detached()) {
        Guard leaf_guard(context.locks(), leaf->lock);
        if (const Segment* own = leaf->own_regions()) return judge(own->view_locked(address), address, needed);
    }
    return judge(segment->view_locked(address), address, needed);
}

}  // namespace

Touch judge_payment(WorkerContext& context, Space& space, VirtualAddress address, Access needed) {
    if (!is_absent(space, address) || may_pay_for_another(space)) return Touch::Raced;
    const Touch verdict = judge_now(context, space, address, needed);
    return verdict == Touch::Raced ? Touch::NoMemory : verdict;
}

}  // namespace shoal::vm
