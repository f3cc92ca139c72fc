#include "servers/vm/joint/joint_shard.hpp"

namespace shoal::vm {

JointMapping* JointShard::first_of(ProcessId holder) const {
    JointMapping* mapping = by_place_.ceiling(Key{holder.raw(), 0});
    return mapping != nullptr && mapping->process_ == holder ? mapping : nullptr;
}

JointMapping* JointShard::next_of(const JointMapping& mapping) const {
    JointMapping* next = by_place_.next(mapping);
    return next != nullptr && next->process_ == mapping.process_ ? next : nullptr;
}

JointMapping* JointShard::beginning_at(ProcessId holder, VirtualAddress address) const { return by_place_.find(Key{holder.raw(), address.raw()}); }

JointMapping* JointShard::over(ProcessId holder, VirtualAddress address) const {
    JointMapping* mapping = by_place_.floor(Key{holder.raw(), address.raw()});
    return mapping != nullptr && mapping->process_ == holder && mapping->range_.contains(address) ? mapping : nullptr;
}

// The last one that begins before the range's end reaches into it, or none does.
bool JointShard::has_any_over(ProcessId holder, VirtualRange range) const {
    const JointMapping* below = by_place_.floor(Key{holder.raw(), range.end.raw() - 1});
    return below != nullptr && below->process_ == holder && below->range_.end > range.start;
}

JointMapping* JointShard::first_over(ProcessId holder, VirtualRange range) const {
    if (JointMapping* mapping = over(holder, range.start)) return mapping;
    JointMapping* mapping = by_place_.ceiling(Key{holder.raw(), range.start.raw()});
    return mapping != nullptr && mapping->process_ == holder ? mapping : nullptr;
}

JointMapping::Link* JointShard::next_link(GrantName grant, LinkPlace seen, uint64_t last) const {
    JointMapping::Link* link = by_grant_.ceiling(LinkKey{grant.raw(), {seen.since, seen.number + 1}});
    return link != nullptr && link->grant == grant.raw() && link->place.since <= last ? link : nullptr;
}

bool JointShard::has_lent(ProcessId source) {
    JointMapping* mapping = lent_.front();
    while (mapping != nullptr && mapping->source_ != source) mapping = lent_.next(*mapping);
    return mapping != nullptr;
}

}  // namespace shoal::vm
