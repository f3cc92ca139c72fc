// JointMappings: all joint mappings, by the process that has them and by the grants that they were made by.
//
// One lock, held for a search at a time: who maps by grants makes a kernel call and waits for VM besides. Any number of mappings; no process
// has more than its quota pays for. A mapping is busy for one request at a time, which alone changes and ends it; others wait for that.
#pragma once

#include "base/lock/guard.hpp"
#include "base/result.hpp"
#include "servers/vm/joint/joint_mapping.hpp"

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
    // The number of the last one that was added; at least 1.
    [[nodiscard]] uint64_t last_number(WorkerContext& context);

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

    // Whether the process has something mapped by a grant, or somebody has something of it. All mappings are gone through.
    [[nodiscard]] bool concern(LockContext& worker, ProcessId process);

    // For the audit: visit(const JointMapping&, const Request* waiting). What the process' quota pays.
    template <typename Visit>
    uint64_t for_each_of(LockContext& worker, ProcessId process, Visit visit) {
        Guard guard(worker, lock_);
        uint64_t pages = 0;
        for (const JointMapping* mapping = first_of(process); mapping != nullptr; mapping = next_of(*mapping), ++pages)
            visit(*mapping, static_cast<const Request*>(mapping->waiting_));
        return pages;
    }
    [[nodiscard]] bool sound(LockContext& worker);

  private:
    struct Key {
        uint64_t first, second;
        constexpr auto operator<=>(const Key&) const = default;
    };
    struct ByPlace {
        Key operator()(const JointMapping& m) const { return {m.process_.raw(), m.range_.start.raw()}; }
    };
    struct LinkKey {
        uint64_t grant;
        LinkPlace place;
        constexpr auto operator<=>(const LinkKey&) const = default;
    };
    struct ByGrant {
        LinkKey operator()(const JointMapping::Link& link) const { return {link.grant, link.place}; }
    };

    [[nodiscard]] JointMapping* first_of(ProcessId process) const REQUIRES(lock_);
    [[nodiscard]] JointMapping* next_of(const JointMapping& mapping) const REQUIRES(lock_);
    [[nodiscard]] JointMapping* over(ProcessId process, VirtualAddress address) const REQUIRES(lock_);
    // Calls visit(JointMapping&) for those of the process in the range, ascending.
    template <typename Visit>
    void for_each_over(ProcessId process, VirtualRange range, Visit visit) const REQUIRES(lock_);
    // Error: Loop.
    static Result<void> link(JointMapping& mapping, uint64_t grant, uint64_t since);
    static Result<Claimed> take(JointMapping& mapping, Request& request);
    // Returns who waits for it.
    Request* unlink(JointMapping& mapping) REQUIRES(lock_);

    SpinLock<VmRank::Depot> lock_;
    AvlTree<JointMapping, &JointMapping::hook_, ByPlace> by_place_ GUARDED_BY(lock_);
    AvlTree<JointMapping::Link, &JointMapping::Link::hook, ByGrant> by_grant_ GUARDED_BY(lock_);
    uint64_t numbers_ GUARDED_BY(lock_) = 1;
};

}  // namespace shoal::vm
