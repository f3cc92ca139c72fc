// info and getrusage: counts, and a process' use of memory.
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/detach.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/calls/user_memory.hpp"

namespace shoal::vm {

namespace {

VmStats collect_stats(WorkerContext& context) {
    VmStats stats{};
    ArenaHeader& arena = *context.worker.arena;
    int64_t in_use = 0, tables = 0, lent = 0;
    for (uint32_t i = 0; i < arena.cpus; ++i) {
        const Worker& worker = arena.workers[i];
        const ProcessShard& shard = context.processes.shard(CpuId::from(i));
        in_use += worker.frames.in_use();
        tables += static_cast<int64_t>(shard.tables_made.value() - shard.tables_freed.value());
        lent += static_cast<int64_t>(shard.areas_lent.value() - shard.areas_returned.value());
        stats.faults += worker.statistics.faults.value();
        stats.maps += worker.statistics.maps.value();
        stats.unmaps += worker.statistics.unmaps.value();
        stats.flushes_local += worker.statistics.flushes_local.value();
        stats.flushes_remote += worker.statistics.flushes_remote.value();
        for (size_t type = 0; type < kSlabTypes; ++type) {
            stats.slab_objects_in_use += static_cast<uint64_t>(worker.slabs.live(static_cast<SlabType>(type)));
            stats.arena_pages += worker.slabs.slabs(static_cast<SlabType>(type));
        }
    }
    stats.arena_pages += arena.permanent_pages;
    stats.total_pages = context.processes.memory().raw();
    stats.free_pages = stats.total_pages - arena.permanent_pages - static_cast<uint64_t>(in_use);
    stats.table_pages = static_cast<uint64_t>(tables);
    stats.lent_pages = static_cast<uint64_t>(lent) * kPagesPerLeaf;
    return stats;
}

struct FaultCounts {
    uint64_t all, major;
    [[nodiscard]] uint64_t minor() const { return all - major; }
};

// Of a leaf that is just being given up they may be missed.
FaultCounts count_faults(WorkerContext& context, Space& space) {
    FaultCounts counts{space.past_faults.value(), space.past_major_faults.value()};
    space.leaves.for_each_in(Space::everything(), [&](Leaf& leaf) {
        Guard guard(context.locks(), leaf.lock);
        counts.all += leaf.faults;
        counts.major += leaf.major_faults;
    });
    return counts;
}

VmUsage collect_usage(WorkerContext& context, Space& space) {
    VmUsage usage{};
    space.for_each_segment(Space::everything(), [&](Segment& segment) {
        SegmentHold held(context, space, segment);
        usage.virtual_pages += segment.mapped_pages();
        usage.regions += segment.regions().size();
    });
    space.leaves.for_each_in(Space::everything(), [&](Leaf& leaf) {
        Guard guard(context.locks(), leaf.lock);
        usage.resident_pages += leaf.resident;
        if (const Segment* own = leaf.own_regions()) {
            usage.virtual_pages -= kPagesPerLeaf - own->mapped_pages();
            usage.regions += own->regions().size();
        }
        ++usage.leaves;
    });
    const FaultCounts faults = count_faults(context, space);
    usage.peak_pages = space.quota.peak().raw();
    usage.minor_faults = faults.minor();
    usage.major_faults = faults.major;
    usage.quota_pages = space.quota.limit().raw();
    usage.charged_pages = space.quota.charged().raw();
    return usage;
}

static_assert(static_cast<uint32_t>(RegionType::Contiguous) == static_cast<uint32_t>(MemoryType::Contiguous));
static_assert(static_cast<uint32_t>(RegionType::Direct) == static_cast<uint32_t>(MemoryType::Direct));
static_assert(static_cast<uint32_t>(RegionType::Cache) == static_cast<uint32_t>(MemoryType::Cache));
static_assert(static_cast<uint32_t>(RegionType::Shared) == static_cast<uint32_t>(MemoryType::Shared));
static_assert(static_cast<uint32_t>(RegionType::File) == static_cast<uint32_t>(MemoryType::File));

uint32_t flags_of(RegionTraits traits) {
    switch (traits) {
        case RegionTraits::None: return 0;
        case RegionTraits::GrowsDown: return kRegionGrowsDown;
        case RegionTraits::Heap: return kRegionHeap;
        case RegionTraits::Loaded: return kRegionImage;
        case RegionTraits::Preallocated: return kRegionPreallocated;
    }
    return 0;
}

VmRegion describe(VirtualRange range, RegionAttributes attributes) {
    return {range, attributes.access.raw(), RegionType{static_cast<uint32_t>(attributes.type)}, flags_of(attributes.traits)};
}

// The mappings of a space, ascending, as many as there is room for.
class RegionList {
  public:
    explicit RegionList(uint64_t room) : room_(room < VmRegion::kMostAtOnce ? room : VmRegion::kMostAtOnce) {}

    // Returns where to go on, or the end of user space.
    VirtualAddress collect(WorkerContext& context, Space& space, VirtualAddress from) {
        VirtualAddress next = AddressLayout::kTop;
        space.for_each_segment({from, AddressLayout::kTop}, [&](Segment& segment) {
            if (next < AddressLayout::kTop) return;
            const VirtualRange part = segment.range().intersect({from, AddressLayout::kTop});
            (void)for_all_parts(context, space, part, [&](const Segment& regions, VirtualRange piece) { return add_from(regions, piece, next); });
        });
        return next;
    }
    [[nodiscard]] const VmRegion* items() const { return items_; }
    [[nodiscard]] uint64_t count() const { return count_; }

  private:
    // False: there is no room for what begins at `next`.
    bool add_from(const Segment& regions, VirtualRange piece, VirtualAddress& next) {
        for (const Region* region = regions.first_in(piece); region != nullptr && region->start() < piece.end;
             region = regions.regions().next(*region)) {
            const VirtualRange range = region->range().intersect(piece);
            if (!region->attributes().mapped()) continue;
            if (count_ == room_) {
                next = range.start;
                return false;
            }
            items_[count_++] = describe(range, region->attributes());
        }
        return true;
    }
    const uint64_t room_;
    uint64_t count_ = 0;
    VmRegion items_[VmRegion::kMostAtOnce];
};

}  // namespace

Result<vm_calls::InfoResults> CallHandlers::info(const vm_calls::InfoArguments& arguments) {
    Space& caller_space = *TRY(caller());
    if (arguments.what == kInfoRegions) return list_regions(caller_space, arguments);
    VmStats stats{};
    VmUsage usage{};
    const void* answer = &stats;
    uint64_t bytes = sizeof(stats);
    if (arguments.what == kInfoStats) {
        stats = collect_stats(context_);
    } else if (arguments.what == kInfoUsage) {
        const bool own = arguments.process.raw() == 0 || arguments.process == process_;
        Space* space = own ? &caller_space : context_.find(arguments.process);
        if (space == nullptr) return Error::NoProcess;
        usage = collect_usage(context_, *space);
        answer = &usage;
        bytes = sizeof(usage);
    } else {
        return Error::Invalid;
    }
    if (arguments.bytes < bytes) return Error::Invalid;
    const Error error = copy_to_user(context_, caller_space, answer, arguments.address, bytes, receipt_);
    if (error != Error::None) return error;
    return vm_calls::InfoResults{1, AddressLayout::kTop};
}

Result<vm_calls::GetrusageResults> CallHandlers::getrusage(const vm_calls::GetrusageArguments& arguments) {
    Space& space = *TRY(named_space(arguments.process));
    const FaultCounts faults = count_faults(context_, space);
    return vm_calls::GetrusageResults{space.quota.peak().raw(), faults.minor(), faults.major};
}

Result<vm_calls::InfoResults> CallHandlers::list_regions(Space& caller_space, const vm_calls::InfoArguments& arguments) {
    Space& space = *TRY(named_space(arguments.process));
    if (arguments.bytes < sizeof(VmRegion)) return Error::Invalid;
    RegionList list(arguments.bytes / sizeof(VmRegion));
    const VirtualAddress from = arguments.next < AddressLayout::kLowest ? AddressLayout::kLowest : arguments.next;
    const VirtualAddress next = from < AddressLayout::kTop ? list.collect(context_, space, from) : AddressLayout::kTop;
    const Error error = copy_to_user(context_, caller_space, list.items(), arguments.address, list.count() * sizeof(VmRegion), receipt_);
    if (error != Error::None) return error;
    return vm_calls::InfoResults{list.count(), next};
}

}  // namespace shoal::vm
