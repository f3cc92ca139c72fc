#include "servers/vm/joint/joint_mappings.hpp"

#include "servers/vm/requests/parking.hpp"

namespace shoal::vm {

// All that it is in.
ShardSet JointMappings::shards_of(const JointMapping& mapping) {
    ShardSet shards;
    shards.add(JointShards::number_of(mapping.process_));
    shards.add(JointShards::number_of(mapping.source_));
    for (unsigned i = 0; i < mapping.links_used_; ++i) shards.add(JointShards::number_of(mapping.links_[i].granter()));
    return shards;
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
Result<void> JointMappings::link_all(LockContext& worker, JointMapping& mapping, const GrantPath& path, VirtualRange from) {
    JointShard& of_source = shards_.of(mapping.source_);
    of_source.assert_held(worker);
    mapping.links_used_ = 0;
    Result<void> linked{};
    for (unsigned i = 0; i < path.length && linked.ok(); ++i) linked = link(mapping, path.grants[i].raw(), mapping.number_);
    of_source.for_each_over(mapping.source_, from, [&](const JointMapping& before) {
        for (unsigned i = 0; i < before.links_used_ && linked.ok(); ++i) linked = link(mapping, before.links_[i].grant, before.links_[i].place.since);
    });
    return linked;
}

// Above all that are in one of those shards.
uint64_t JointMappings::next_number(LockContext& worker, const ShardSet& shards) {
    uint64_t number = 0;
    for (const uint16_t at : shards) {
        JointShard& shard = shards_[at];
        shard.assert_held(worker);
        if (shard.number() > number) number = shard.number();
    }
    return number + 1;
}

void JointMappings::enter(LockContext& worker, JointMapping& mapping, const ShardSet& shards) {
    for (const uint16_t at : shards) {
        shards_[at].assert_held(worker);
        shards_[at].raise_number(mapping.number_);
    }
    JointShard &of_holder = shards_.of(mapping.process_), &of_source = shards_.of(mapping.source_);
    of_holder.assert_held(worker);
    of_holder.insert(mapping);
    of_source.assert_held(worker);
    of_source.insert_lent(mapping);
    for (unsigned i = 0; i < mapping.links_used_; ++i) {
        JointShard& of_granter = shards_.of(mapping.links_[i].granter());
        of_granter.assert_held(worker);
        of_granter.insert_link(mapping.links_[i]);
    }
}

// What the source has there by grants may have come from others than the path: from whom is seen under its lock.
Result<void> JointMappings::add(WorkerContext& context, JointMapping& mapping, const GrantPath& path, VirtualRange from) {
    LockContext& worker = context.locks();
    ShardSet needed = shards_of(mapping);
    for (unsigned i = 0; i < path.length; ++i) needed.add(JointShards::number_of(path.grants[i].granter));
    for (;;) {
        ShardsGuard held(worker, shards_, needed);
        JointShard& of_holder = shards_.of(mapping.process_);
        of_holder.assert_held(worker);
        if (of_holder.has_any_over(mapping.process_, mapping.range_)) return Error::Exists;
        mapping.number_ = next_number(worker, needed);
        TRY(link_all(worker, mapping, path, from));
        needed = shards_of(mapping);
        if (!held.covers(needed)) continue;
        // --- commit point ---
        enter(worker, mapping, held.set());
        return {};
    }
}

Result<JointMappings::Claimed> JointMappings::take(LockContext& worker, JointMapping& mapping, Request& request) {
    shards_.of(mapping.process_).assert_held(worker);
    if (mapping.busy_) {
        park(request, mapping.waiting_);
        return Error::DoNotReply;
    }
    mapping.busy_ = true;
    return Claimed{&mapping, mapping.process_, mapping.range_, {}};
}

Result<JointMappings::Claimed> JointMappings::claim(WorkerContext& context, ProcessId process, VirtualAddress address, Request& request) {
    JointShard& shard = shards_.of(process);
    Guard guard(context.locks(), shard.lock);
    JointMapping* mapping = shard.beginning_at(process, address);
    if (mapping == nullptr) return Error::BadAddress;
    return take(context.locks(), *mapping, request);
}

// Whose it is is seen under the granter's lock; taken it is under its holder's, too.
Result<JointMappings::Claimed> JointMappings::claim_next(WorkerContext& context, GrantName grant, LinkPlace seen, uint64_t last, Request& request) {
    JointShard& of_granter = shards_.of(grant.granter);
    for (ProcessId holder = grant.granter;;) {
        ShardSet needed;
        needed.add(JointShards::number_of(grant.granter));
        needed.add(JointShards::number_of(holder));
        ShardsGuard held(context.locks(), shards_, needed);
        of_granter.assert_held(context.locks());
        const JointMapping::Link* link = of_granter.next_link(grant, seen, last);
        if (link == nullptr) return Error::NoEntry;
        holder = link->mapping->process_;
        if (!held.covers(holder)) continue;
        Claimed claimed = TRY(take(context.locks(), *link->mapping, request));
        claimed.place = link->place;
        return claimed;
    }
}

uint64_t JointMappings::last_number(WorkerContext& context, ProcessId granter) {
    JointShard& shard = shards_.of(granter);
    Guard guard(context.locks(), shard.lock);
    return shard.number();
}

Request* JointMappings::remove(LockContext& worker, JointMapping& mapping) {
    const ShardsGuard held(worker, shards_, shards_of(mapping));
    JointShard &of_holder = shards_.of(mapping.process_), &of_source = shards_.of(mapping.source_);
    of_holder.assert_held(worker);
    of_holder.remove(mapping);
    of_source.assert_held(worker);
    of_source.remove_lent(mapping);
    for (unsigned i = 0; i < mapping.links_used_; ++i) {
        JointShard& of_granter = shards_.of(mapping.links_[i].granter());
        of_granter.assert_held(worker);
        of_granter.remove_link(mapping.links_[i]);
    }
    return mapping.waiting_;
}

void JointMappings::finish(WorkerContext& context, JointMapping& mapping, VirtualAddress end) {
    Request* waiting = nullptr;
    {
        Guard guard(context.locks(), shards_.of(mapping.process_).lock);
        mapping.range_.end = end;
        mapping.busy_ = false;
        waiting = mapping.waiting_;
        mapping.waiting_ = nullptr;
    }
    release_all(context, waiting);
}

void JointMappings::end(WorkerContext& context, Space& space, JointMapping& mapping) {
    Request* waiting = remove(context.locks(), mapping);
    context.slabs().destroy(&mapping);
    space.quota.refund(context.locks(), PageCount{1});
    release_all(context, waiting);
}

void JointMappings::end_all(WorkerContext& context, Space& space) {
    if (!space.has_joined()) return;  // most: they leave the locks alone
    JointShard& shard = shards_.of(space.process());
    for (;;) {
        JointMapping* mapping = nullptr;
        {
            Guard guard(context.locks(), shard.lock);
            mapping = shard.first_of(space.process());
        }
        if (mapping == nullptr) return;
        end(context, space, *mapping);
    }
}

bool JointMappings::has_at(WorkerContext& context, ProcessId process, VirtualAddress address) {
    JointShard& shard = shards_.of(process);
    Guard guard(context.locks(), shard.lock);
    return shard.over(process, address) != nullptr;
}

bool JointMappings::source_has_newer(WorkerContext& context, const JointMapping& mapping, VirtualRange from) {
    JointShard& of_source = shards_.of(mapping.source_);
    Guard guard(context.locks(), of_source.lock);
    bool newer = false;
    of_source.for_each_over(mapping.source_, from, [&](const JointMapping& other) { newer = newer || other.number_ > mapping.number_; });
    return newer;
}

bool JointMappings::has_lost_source(WorkerContext& context, ProcessId process, VirtualAddress address) {
    ProcessId source;
    {
        JointShard& shard = shards_.of(process);
        Guard guard(context.locks(), shard.lock);
        const JointMapping* mapping = shard.over(process, address);
        if (mapping == nullptr) return false;
        source = mapping->source_;
    }
    return context.find_in_step(source) == nullptr;
}

bool JointMappings::concern(LockContext& worker, ProcessId process) {
    JointShard& shard = shards_.of(process);
    Guard guard(worker, shard.lock);
    return shard.first_of(process) != nullptr || shard.has_lent(process);
}

bool JointMappings::sound(LockContext& worker) {
    bool all = true;
    for (unsigned i = 0; i < JointShards::kShards; ++i) {
        Guard guard(worker, shards_[i].lock);
        all = all && shards_[i].sound();
    }
    return all;
}

}  // namespace shoal::vm
