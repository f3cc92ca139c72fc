#include "servers/vm/joint/joint_mappings.hpp"

#include "servers/vm/requests/parking.hpp"

namespace shoal::vm {

JointMapping* JointMappings::first_of(ProcessId process) const {
    JointMapping* mapping = by_place_.ceiling(Key{process.raw(), 0});
    return mapping != nullptr && mapping->process_ == process ? mapping : nullptr;
}

JointMapping* JointMappings::next_of(const JointMapping& mapping) const {
    JointMapping* next = by_place_.next(mapping);
    return next != nullptr && next->process_ == mapping.process_ ? next : nullptr;
}

JointMapping* JointMappings::over(ProcessId process, VirtualAddress address) const {
    JointMapping* mapping = by_place_.floor(Key{process.raw(), address.raw()});
    return mapping != nullptr && mapping->process_ == process && mapping->range_.contains(address) ? mapping : nullptr;
}

template <typename Visit>
void JointMappings::for_each_over(ProcessId process, VirtualRange range, Visit visit) const {
    JointMapping* mapping = by_place_.floor(Key{process.raw(), range.start.raw()});
    if (mapping == nullptr || mapping->process_ != process || mapping->range_.end <= range.start)
        mapping = by_place_.ceiling(Key{process.raw(), range.start.raw()});
    for (; mapping != nullptr && mapping->process_ == process && mapping->range_.start < range.end; mapping = by_place_.next(*mapping)) visit(*mapping);
}

Result<void> JointMappings::link(JointMapping& mapping, uint64_t grant, uint64_t since) {
    for (unsigned i = 0; i < mapping.links_used_; ++i) {
        JointMapping::Link& known = mapping.links_[i];
        if (known.grant != grant) continue;  // a path that comes by a grant twice
        if (since < known.place.since) known.place.since = since;
        return {};
    }
    if (mapping.links_used_ == kMostGrantsInPath) return Error::Loop;
    JointMapping::Link& made = mapping.links_[mapping.links_used_++];
    made.grant = grant;
    made.place = {since, mapping.number_};
    made.mapping = &mapping;
    return {};
}

// What the source has by grants goes with those, too. Its mapping is still there: whoever takes that back, even now, comes to this one after it.
Result<void> JointMappings::add(WorkerContext& context, JointMapping& mapping, const GrantPath& path, VirtualRange from) {
    Guard guard(context.locks(), lock_);
    // The last one that begins before the range's end reaches into it, or none does.
    const JointMapping* below = by_place_.floor(Key{mapping.process_.raw(), mapping.range_.end.raw() - 1});
    if (below != nullptr && below->process_ == mapping.process_ && below->range_.end > mapping.range_.start) return Error::Exists;
    mapping.number_ = numbers_ + 1;
    Result<void> linked{};
    for (unsigned i = 0; i < path.length; ++i) linked = link(mapping, path.grants[i].raw(), mapping.number_);
    for_each_over(mapping.source_, from, [&](const JointMapping& before) {
        for (unsigned i = 0; i < before.links_used_ && linked.ok(); ++i) linked = link(mapping, before.links_[i].grant, before.links_[i].place.since);
    });
    TRY(linked);
    // --- commit point ---
    numbers_ = mapping.number_;
    by_place_.insert(mapping);
    for (unsigned i = 0; i < mapping.links_used_; ++i) by_grant_.insert(mapping.links_[i]);
    return {};
}

Result<JointMappings::Claimed> JointMappings::take(JointMapping& mapping, Request& request) {
    if (mapping.busy_) {
        park(request, mapping.waiting_);
        return Error::DoNotReply;
    }
    mapping.busy_ = true;
    return Claimed{&mapping, mapping.process_, mapping.range_, {}};
}

Result<JointMappings::Claimed> JointMappings::claim(WorkerContext& context, ProcessId process, VirtualAddress address, Request& request) {
    Guard guard(context.locks(), lock_);
    JointMapping* mapping = by_place_.find(Key{process.raw(), address.raw()});
    if (mapping == nullptr) return Error::BadAddress;
    return take(*mapping, request);
}

Result<JointMappings::Claimed> JointMappings::claim_next(WorkerContext& context, GrantName grant, LinkPlace seen, uint64_t last, Request& request) {
    Guard guard(context.locks(), lock_);
    const JointMapping::Link* link = by_grant_.ceiling(LinkKey{grant.raw(), {seen.since, seen.number + 1}});
    if (link == nullptr || link->grant != grant.raw() || link->place.since > last) return Error::NoEntry;
    Claimed claimed = TRY(take(*link->mapping, request));
    claimed.place = link->place;
    return claimed;
}

uint64_t JointMappings::last_number(WorkerContext& context) {
    Guard guard(context.locks(), lock_);
    return numbers_;
}

Request* JointMappings::unlink(JointMapping& mapping) {
    by_place_.remove(mapping);
    for (unsigned i = 0; i < mapping.links_used_; ++i) by_grant_.remove(mapping.links_[i]);
    return mapping.waiting_;
}

void JointMappings::finish(WorkerContext& context, JointMapping& mapping, VirtualAddress end) {
    Request* waiting = nullptr;
    {
        Guard guard(context.locks(), lock_);
        mapping.range_.end = end;
        mapping.busy_ = false;
        waiting = mapping.waiting_;
        mapping.waiting_ = nullptr;
    }
    release_all(context, waiting);
}

void JointMappings::end(WorkerContext& context, Space& space, JointMapping& mapping) {
    Request* waiting = nullptr;
    {
        Guard guard(context.locks(), lock_);
        waiting = unlink(mapping);
    }
    context.slabs().destroy(&mapping);
    space.quota.refund(context.locks(), PageCount{1});
    release_all(context, waiting);
}

void JointMappings::end_all(WorkerContext& context, Space& space) {
    if (!space.has_joined()) return;  // most: they leave the lock alone
    for (;;) {
        JointMapping* mapping = nullptr;
        {
            Guard guard(context.locks(), lock_);
            mapping = first_of(space.process());
        }
        if (mapping == nullptr) return;
        end(context, space, *mapping);
    }
}

bool JointMappings::has_at(WorkerContext& context, ProcessId process, VirtualAddress address) {
    Guard guard(context.locks(), lock_);
    return over(process, address) != nullptr;
}

bool JointMappings::source_has_newer(WorkerContext& context, const JointMapping& mapping, VirtualRange from) {
    Guard guard(context.locks(), lock_);
    bool newer = false;
    for_each_over(mapping.source_, from, [&](const JointMapping& other) { newer = newer || other.number_ > mapping.number_; });
    return newer;
}

bool JointMappings::has_lost_source(WorkerContext& context, ProcessId process, VirtualAddress address) {
    ProcessId source;
    {
        Guard guard(context.locks(), lock_);
        const JointMapping* mapping = over(process, address);
        if (mapping == nullptr) return false;
        source = mapping->source_;
    }
    return context.find_in_step(source) == nullptr;
}

bool JointMappings::concern(LockContext& worker, ProcessId process) {
    Guard guard(worker, lock_);
    for (const JointMapping* mapping = by_place_.first(); mapping != nullptr; mapping = by_place_.next(*mapping))
        if (mapping->process_ == process || mapping->source_ == process) return true;
    return false;
}

bool JointMappings::sound(LockContext& worker) {
    Guard guard(worker, lock_);
    return by_place_.sound() && by_grant_.sound();
}

}  // namespace shoal::vm
