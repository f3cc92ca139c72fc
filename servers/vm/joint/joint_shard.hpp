// JointShard: of the processes of some slots, the joint mappings that they have, those of their memory, and those that their grants have led to.
//
// A mapping is in as many shards as processes have to do with it: its holder's, its source's, and those of who has made the grants that it came by.
// What changes of a mapping, that is its end and who is busy with it or waits for that, is under its holder's lock; all else stays as it was entered.
#pragma once

#include "base/containers/list.hpp"
#include "base/lock/guard.hpp"
#include "servers/vm/joint/joint_mapping.hpp"

namespace shoal::vm {

class alignas(kCacheLine) JointShard {
  public:
    SpinLock<VmRank::Joint> lock;

    // For who holds it among others.
    void assert_held(const LockContext& worker) const ASSERTS_HELD(lock) { SHOAL_ASSERT(lock.held_by(worker)); }

    // By holder and address.
    [[nodiscard]] JointMapping* first_of(ProcessId holder) const REQUIRES(lock);
    [[nodiscard]] JointMapping* next_of(const JointMapping& mapping) const REQUIRES(lock);
    [[nodiscard]] JointMapping* beginning_at(ProcessId holder, VirtualAddress address) const REQUIRES(lock);
    [[nodiscard]] JointMapping* over(ProcessId holder, VirtualAddress address) const REQUIRES(lock);
    [[nodiscard]] bool has_any_over(ProcessId holder, VirtualRange range) const REQUIRES(lock);
    // Calls visit(JointMapping&) for those in the range, ascending.
    template <typename Visit>
    void for_each_over(ProcessId holder, VirtualRange range, Visit visit) const REQUIRES(lock) {
        for (JointMapping* mapping = first_over(holder, range); mapping != nullptr && mapping->range_.start < range.end; mapping = next_of(*mapping))
            visit(*mapping);
    }

    // The first one behind `seen` in the grant's order, up to number `last`. nullptr: there is none.
    [[nodiscard]] JointMapping::Link* next_link(GrantName grant, LinkPlace seen, uint64_t last) const REQUIRES(lock);
    // Whether somebody has memory of the process.
    [[nodiscard]] bool has_lent(ProcessId source) REQUIRES(lock);

    // The highest of all mappings that have ever been entered here; at least 1.
    [[nodiscard]] uint64_t number() const REQUIRES(lock) { return number_; }
    void raise_number(uint64_t number) REQUIRES(lock) { number_ = number; }

    // As its holder's shard, its source's, and that of one of its grants.
    void insert(JointMapping& mapping) REQUIRES(lock) { by_place_.insert(mapping); }
    void remove(JointMapping& mapping) REQUIRES(lock) { by_place_.remove(mapping); }
    void insert_lent(JointMapping& mapping) REQUIRES(lock) { lent_.push_back(mapping); }
    void remove_lent(JointMapping& mapping) REQUIRES(lock) { lent_.remove(mapping); }
    void insert_link(JointMapping::Link& link) REQUIRES(lock) { by_grant_.insert(link); }
    void remove_link(JointMapping::Link& link) REQUIRES(lock) { by_grant_.remove(link); }

    [[nodiscard]] bool sound() const REQUIRES(lock) { return by_place_.sound() && by_grant_.sound(); }

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

    [[nodiscard]] JointMapping* first_over(ProcessId holder, VirtualRange range) const REQUIRES(lock);

    uint64_t number_ GUARDED_BY(lock) = 1;
    AvlTree<JointMapping, &JointMapping::hook_, ByPlace> by_place_ GUARDED_BY(lock);
    AvlTree<JointMapping::Link, &JointMapping::Link::hook, ByGrant> by_grant_ GUARDED_BY(lock);
    List<JointMapping, &JointMapping::lent_hook_> lent_ GUARDED_BY(lock);
};

}  // namespace shoal::vm
