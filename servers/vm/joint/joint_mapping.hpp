// JointMapping: what one grant has put into a process, by map_memory: so that it can be taken back.
//
// Belongs to the process that has it mapped, whose quota pays a page for it, and ends with that. Where the process unmaps the addresses, or
// maps something else there, it stays, and stands for what is still joint. What it says of pages counts for nothing: they know themselves.
//
// It comes by the grants of its path, and by those that its source had the memory by: whoever takes one of them back takes this back, too.
#pragma once

#include "abi/grant.hpp"
#include "base/address.hpp"
#include "base/containers/avl.hpp"
#include "base/containers/list.hpp"
#include "servers/vm/joint/link_place.hpp"
#include "servers/vm/slab/slab_types.hpp"

namespace shoal::vm {

class Request;

class JointMapping {
  public:
    static constexpr SlabType kSlabType = SlabType::JointMapping;

    JointMapping(ProcessId process, VirtualRange range, ProcessId source) : process_(process), source_(source), range_(range) {}

    [[nodiscard]] ProcessId process() const { return process_; }
    [[nodiscard]] ProcessId source() const { return source_; }
    [[nodiscard]] VirtualRange range() const { return range_; }

  private:
    friend class JointMappings;
    friend class JointShard;
    // A place in the order of all that has come by one grant.
    struct Link {
        [[nodiscard]] ProcessId granter() const { return GrantName::from_raw(grant).granter; }
        uint64_t grant = 0;
        LinkPlace place;
        JointMapping* mapping = nullptr;
        AvlHook hook;
    };
    ProcessId process_, source_;
    VirtualRange range_;
    uint64_t number_ = 0;         // above those of all that have been entered in one of its shards before
    bool busy_ = true;            // a request maps it, or takes it back
    Request* waiting_ = nullptr;  // for the end of that; chained
    unsigned links_used_ = 0;
    Link links_[kMostGrantsInPath];
    AvlHook hook_;
    ListHook lent_hook_;
};

}  // namespace shoal::vm
