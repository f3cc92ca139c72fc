// JointMappings: all joint mappings, by the process that has them and by the grants that they were made by.
//
// In shards, each with a lock, held for a search at a time: who maps by grants makes a kernel call and waits for VM besides. So requests that no process
// has to do with in common share no line. Any number of mappings; no process has more than its quota pays for. A mapping is busy for one request at a
// time, which alone changes and ends it; others wait for that.
#pragma once

#include "base/result.hpp"
#include "servers/vm/joint/joint_shards.hpp"

namespace shoal::vm {

class Space;
struct WorkerContext;

class JointMappings {
  public:
    // A mapping that the request is busy with from now on. What else it says stays true; the mapping itself is there while its process' space can
    // be found.
    struct Claimed {
        JointMapping* mapping;
        ProcessId process;
        VirtualRange range;
        LinkPlace place;  // where it stands by the grant that was asked for
    };

    // Busy for who calls. from: in its source. Errors: Exists (there is one in its range already), Loop (more than kMostGrantsInPath in all).
    Result<void> add(WorkerContext& context, JointMapping& mapping, const GrantPath& path, VirtualRange from);
    // The process' mapping that begins at the address: busy for the request from now on; or the request waits for who is busy with it.
    // Errors: BadAddress (none does), DoNotReply (it waits).
    Result<Claimed> claim(WorkerContext& context, ProcessId process, VirtualAddress address, Request& request);
    // Likewise the first one behind `seen` that the grant has led to, directly or by one up to number `last`. Errors: NoEntry, DoNotReply.
    Result<Claimed> claim_next(WorkerContext& context, GrantName grant, LinkPlace seen, uint64_t last, Request& request);
    // The highest number of all that grants of the process have led to; at least 1.
    [[nodiscard]] uint64_t last_number(WorkerContext& context, ProcessId granter);

    // By who is busy with it. finish: it stays, shortened to what ends there. end: it goes, and the space is refunded.
    void finish(WorkerContext& context, JointMapping& mapping, VirtualAddress end);
    void end(WorkerContext& context, Space& space, JointMapping& mapping);
    // The process has ended.
    void end_all(WorkerContext& context, Space& space);

    // Whether the process has something mapped there by a grant.
    [[nodiscard]] bool has_at(WorkerContext& context, ProcessId process, VirtualAddress address);
    // Whether the mapping's source has mapped something in a range of it after that: what is there then does not come by the mapping's grants alone.
    [[nodiscard]] bool source_has_newer(WorkerContext& context, const JointMapping& mapping, VirtualRange from);
    // Whether what the process has mapped at the address comes from a process that has ended.
    [[nodiscard]] bool has_lost_source(WorkerContext& context, ProcessId process, VirtualAddress address);

    // Whether the process has something mapped by a grant, or somebody has something of it.
    [[nodiscard]] bool concern(LockContext& worker, ProcessId process);

    // For the audit: visit(const JointMapping&, const Request* waiting). What the process' quota pays.
    template <typename Visit>
    uint64_t for_each_of(LockContext& worker, ProcessId process, Visit visit) {
        JointShard& shard = shards_.of(process);
        Guard guard(worker, shard.lock);
        uint64_t pages = 0;
        for (const JointMapping* mapping = shard.first_of(process); mapping != nullptr; mapping = shard.next_of(*mapping), ++pages)
            visit(*mapping, static_cast<const Request*>(mapping->waiting_));
        return pages;
    }
    [[nodiscard]] bool sound(LockContext& worker);

  private:
    [[nodiscard]] static ShardSet shards_of(const JointMapping& mapping);
    // With those shards held. enter: all that the mapping is in are among them.
    [[nodiscard]] uint64_t next_number(LockContext& worker, const ShardSet& shards);
    void enter(LockContext& worker, JointMapping& mapping, const ShardSet& shards);
    // Error: Loop. link_all: under its source's lock.
    static Result<void> link(JointMapping& mapping, uint64_t grant, uint64_t since);
    Result<void> link_all(LockContext& worker, JointMapping& mapping, const GrantPath& path, VirtualRange from);
    // Under its holder's lock.
    Result<Claimed> take(LockContext& worker, JointMapping& mapping, Request& request);
    // Takes all locks that it needs. Returns who waits for it.
    Request* remove(LockContext& worker, JointMapping& mapping);

    JointShards shards_;
};

}  // namespace shoal::vm
