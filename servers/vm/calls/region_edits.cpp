#include "servers/vm/calls/region_edits.hpp"

namespace shoal::vm::region_edits {

namespace {

[[gnu::always_inline]] inline Region* make(WorkerContext& context, VirtualRange range, const RegionAttributes& attributes) {
    Region* region = context.slabs().obtain_reserved<Region>();
    region->become(range, attributes);
    return region;
}

// Returns the upper part.
Region& split(WorkerContext& context, Segment& segment, Region& region, VirtualAddress at) {
    Region& upper = *make(context, {at, region.end()}, region.attributes().without_guard());
    segment.split(region, at, upper);
    return upper;
}

template <typename Visit>
void for_each_in(Segment& segment, VirtualRange range, Visit visit) {
    for (Region* region = segment.first_in(range); region != nullptr && region->start() < range.end;) {
        Region* next = segment.regions().next(*region);
        visit(*region);
        region = next;
    }
}

void cut_region(WorkerContext& context, Segment& segment, VirtualRange range, Region& region) {
    const VirtualRange whole = region.range();
    if (range.contains(whole)) {
        remove(context, segment, region);
    } else if (whole.start >= range.start) {
        segment.resize_start(region, range.end);
        region.set_attributes(region.attributes().without_guard());
    } else {
        if (whole.end > range.end) (void)split(context, segment, region, range.end);
        segment.resize_end(region, range.start);
    }
}

}  // namespace

void remove(WorkerContext& context, Segment& segment, Region& region) {
    segment.remove(region);
    context.slabs().give_back(&region);
}

void cut(WorkerContext& context, Segment& segment, VirtualRange range) {
    for_each_in(segment, range, [&](Region& region) { cut_region(context, segment, range, region); });
}

void put(WorkerContext& context, Segment& segment, VirtualRange range, RegionAttributes attributes) {
    Region* kept = nullptr;
    for_each_in(segment, range, [&](Region& region) {
        if (kept == nullptr && range.contains(region.range())) kept = &region;
        else cut_region(context, segment, range, region);
    });
    if (kept == nullptr) return insert(context, segment, range, attributes);
    segment.move(*kept, range);
    kept->set_attributes(attributes);
}

void isolate(WorkerContext& context, Segment& segment, VirtualRange range) {
    Region* first = segment.first_in(range);
    if (first == nullptr) return;
    if (first->start() < range.start) (void)split(context, segment, *first, range.start);
    Region* last = segment.first_in({range.end - kPageSize, range.end});
    if (last != nullptr && last->end() > range.end) (void)split(context, segment, *last, range.end);
}

bool surrounded(const Segment& segment, VirtualRange range) {
    const Region* region = segment.first_in(range);
    return region != nullptr && region->start() < range.start && region->end() > range.end;
}

uint32_t growth_by_put(const Segment& segment, VirtualRange range) {
    if (surrounded(segment, range)) return 2;
    Region* region = segment.first_in(range);
    if (region != nullptr && region->start() < range.start) region = segment.regions().next(*region);
    return region != nullptr && range.contains(region->range()) ? 0 : 1;
}

uint32_t growth_by_isolation(const Segment& segment, VirtualRange range) {
    const auto crossed = [&](VirtualAddress at) -> uint32_t {
        const RegionView view = segment.view_locked(at);
        return view.outcome == Lookup::Found && view.range.start < at ? 1 : 0;
    };
    return crossed(range.start) + crossed(range.end);
}

void set_access(Segment& segment, VirtualRange range, Access access) {
    for_each_in(segment, range, [&](Region& region) {
        RegionAttributes attributes = region.attributes();
        attributes.access = access;
        region.set_attributes(attributes);
    });
}

void set_work(Segment& segment, VirtualRange range, RegionWork work) {
    for_each_in(segment, range, [&](Region& region) { region.set_work(work); });
}

void merge(WorkerContext& context, Segment& segment, VirtualRange range) {
    Region* region = segment.first_in({range.start - kPageSize, range.end});
    while (region != nullptr && region->start() < range.end) {
        Region* next = segment.regions().next(*region);
        if (next == nullptr) return;
        if (!region->unites_with(*next)) {
            region = next;
            continue;
        }
        const VirtualAddress end = next->end();
        remove(context, segment, *next);
        segment.resize_end(*region, end);
    }
}

Region& carve(WorkerContext& context, Segment& segment, Region& region, VirtualRange range) {
    Region& carved = region.start() < range.start ? split(context, segment, region, range.start) : region;
    if (carved.end() > range.end) (void)split(context, segment, carved, range.end);
    return carved;
}

Region& join(WorkerContext& context, Segment& segment, Region& region) {
    const auto take_in = [&](Region& lower, Region& upper) {
        const VirtualAddress end = upper.end();
        remove(context, segment, upper);
        segment.resize_end(lower, end);
    };
    Region* before = segment.regions().previous(region);
    Region* after = segment.regions().next(region);
    if (after != nullptr && region.unites_with(*after)) take_in(region, *after);
    if (before == nullptr || !before->unites_with(region)) return region;
    take_in(*before, region);
    return *before;
}

void insert(WorkerContext& context, Segment& segment, VirtualRange range, RegionAttributes attributes) {
    segment.insert(*make(context, range, attributes));
}

}  // namespace shoal::vm::region_edits
