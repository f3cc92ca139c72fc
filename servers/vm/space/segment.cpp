#include "servers/vm/space/segment.hpp"

namespace shoal::vm {

namespace {

VirtualAddress align_up(VirtualAddress address, uint64_t alignment) {
    return VirtualAddress{(address.raw() + alignment - 1) & ~(alignment - 1)};
}

}  // namespace

RegionView Segment::view_locked(VirtualAddress address) const {
    RegionView view{Lookup::Absent, version_.load(std::memory_order_relaxed), {}, {}};
    if (const Region* region = regions_.floor(address.raw())) {
        view.range = region->range();
        view.attributes = region->attributes();
        if (view.range.contains(address)) view.outcome = Lookup::Found;
    }
    return view;
}

Region* Segment::first_in(VirtualRange range) const {
    Region* region = regions_.floor(range.start.raw());
    if (region == nullptr || region->end() <= range.start)
        region = region == nullptr ? regions_.first() : regions_.next(*region);
    return region != nullptr && region->range().overlaps(range) ? region : nullptr;
}

bool Segment::covered(VirtualRange range) const {
    VirtualAddress at = range.start;
    for (Region* region = first_in(range); region != nullptr && at < range.end; region = regions_.next(*region)) {
        if (region->start() > at || region->attributes().work == RegionWork::Vacant) return false;
        at = region->end();
    }
    return at >= range.end;
}

bool Segment::mapped(VirtualRange range) const {
    for (Region* region = first_in(range); region != nullptr && region->start() < range.end; region = regions_.next(*region))
        if (!region->attributes().mapped()) return false;
    return covered(range);
}

bool Segment::busy(VirtualRange range) const {
    for (Region* region = first_in(range); region != nullptr && region->start() < range.end;
         region = regions_.next(*region)) {
        if (region->attributes().work != RegionWork::None) return true;
    }
    return false;
}

void Segment::insert(Region& region) {
    SHOAL_ASSERT(is_free(region.range()));
    mapped_bytes_ += region.range().size();
    regions_.insert(region);
}

void Segment::remove(Region& region) {
    if (!region.vacant()) mapped_bytes_ -= region.range().size();
    if (recent_ == &region) recent_ = nullptr;
    regions_.remove(region);
}

void Segment::split(Region& region, VirtualAddress at, Region& upper) {
    SHOAL_ASSERT(region.start() < at && upper.start() == at && upper.end() == region.end());
    region.set_end(at);
    regions_.insert(upper);
}

void Segment::resize_start(Region& region, VirtualAddress start) {
    SHOAL_ASSERT(region.range().contains(start));
    mapped_bytes_ -= start - region.start();
    region.set_start(start);
}

void Segment::resize_end(Region& region, VirtualAddress end) {
    mapped_bytes_ = mapped_bytes_ - region.range().size() + (end - region.start());
    region.set_end(end);
}

void Segment::move(Region& region, VirtualRange range) {
    mapped_bytes_ = mapped_bytes_ - region.range().size() + range.size();
    region.set_start(range.start);
    region.set_end(range.end);
}

VirtualRange Segment::find_free(uint64_t bytes, uint64_t alignment, VirtualAddress from) {
    const VirtualAddress below = bytes < kLeafSize ? moved_to_ : VirtualAddress{0};
    for (VirtualRange hole = holes_.take(bytes, alignment, below); !hole.empty(); hole = holes_.take(bytes, alignment, below))
        if (is_free(hole)) return hole;
    if (next_fresh_ < from) next_fresh_ = from;
    const VirtualAddress start = align_up(next_fresh_, alignment);
    if (start < range_.end && range_.end - start >= bytes) {
        const VirtualRange fresh = VirtualRange::of(start, bytes);
        if (is_free(fresh)) {
            if (next_fresh_ < start) holes_.push({next_fresh_, start});
            next_fresh_ = fresh.end;
            return fresh;
        }
    }
    return search(bytes, alignment, from);
}

void Segment::note_flushed_elsewhere() {
    if (++flushed_elsewhere_ < patience_) return;
    flushed_elsewhere_ = 0;
    patience_ *= 2;
    const VirtualAddress next_leaf = align_up(next_fresh_, kLeafSize);
    moved_to_ = next_fresh_ = next_leaf < range_.end ? next_leaf : range_.end;
    holes_.forget_smaller(kLeafSize);
}

VirtualRange Segment::search(uint64_t bytes, uint64_t alignment, VirtualAddress from) const {
    VirtualAddress at = align_up(from < range_.start ? range_.start : from, alignment);
    for (Region* region = first_in({at, range_.end}); region != nullptr; region = regions_.next(*region)) {
        if (region->start() > at && region->start() - at >= bytes) return VirtualRange::of(at, bytes);
        if (region->end() > at) at = align_up(region->end(), alignment);
    }
    return at < range_.end && range_.end - at >= bytes ? VirtualRange::of(at, bytes) : VirtualRange{};
}

}  // namespace shoal::vm
