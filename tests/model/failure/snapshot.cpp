#include "tests/model/failure/snapshot.hpp"

#include <algorithm>
#include <sstream>

#include "servers/vm/arena/window.hpp"
#include "servers/vm/calls/detach.hpp"

namespace shoal::model {

using vm::SlabType;

namespace {

// Of these there are more where there are caches: tables, leaves with their own regions, pages borrowed in advance.
constexpr SlabType kFollowFromOthers[] = {SlabType::Segment, SlabType::Region,           SlabType::Leaf,       SlabType::Run,
                                          SlabType::RunTree, SlabType::LeafNode,         SlabType::QuotaLease, SlabType::QuotaDirectory,
                                          SlabType::SegmentDirectory, SlabType::PageBlock};

bool follows_from_others(unsigned type) {
    for (const SlabType other : kFollowFromOthers)
        if (static_cast<unsigned>(other) == type) return true;
    return false;
}

uint64_t pages_in_cache(vm::test::Harness& vm) {
    uint64_t pages = 0;
    for (uint32_t cpu = 0; cpu < vm.machine.cpus(); ++cpu) {
        const vm::ProcessShard& shard = vm.processes().shard(CpuId::from(cpu));
        pages += shard.pages_cached.value() - shard.pages_uncached.value();
    }
    return pages;
}

// Which piece of what the mapping is of.
struct Piece {
    Mapping mapping;
    uint64_t backing;
};

void add(std::vector<Mapping>& mappings, uint64_t& last_backing, const Piece& next) {
    Mapping alike = next.mapping;
    if (!mappings.empty()) alike.start = mappings.back().start;
    const bool goes_on = !mappings.empty() && mappings.back().end == next.mapping.start && last_backing == next.backing && alike.traits == 0;
    if (goes_on) mappings.back().end = alike.end;
    if (!goes_on || !(mappings.back() == alike)) {
        if (goes_on) mappings.back().end = next.mapping.start;
        mappings.push_back(next.mapping);
    }
    last_backing = next.backing;
}

void list_mappings(vm::WorkerContext& worker, vm::Space& space, SpaceState& state) {
    uint64_t backing = 0;  // of the last one
    space.for_each_segment(vm::Space::everything(), [&](vm::Segment& segment) {
        (void)vm::for_all_parts(worker, space, segment.range(), [&](const vm::Segment& regions, VirtualRange part) {
            for (const vm::Region* r = regions.first_in(part); r != nullptr && r->start() < part.end; r = regions.regions().next(*r)) {
                const VirtualRange range = r->range().intersect(part);
                const vm::RegionAttributes is = r->attributes();
                if (is.mapped())
                    add(state.mappings, backing, {{range.start.raw(), range.end.raw(), is.access.raw(), static_cast<uint64_t>(is.type),
                                                   static_cast<uint64_t>(is.traits), static_cast<uint64_t>(is.work)}, is.backing});
            }
            return true;
        });
    });
}

// The charge for pages of mappings is what is left.
void list_pages(vm::Space& space, SpaceState& state) {
    state.charged = space.quota.charged().raw();
    space.for_each_segment(vm::Space::everything(), [&](vm::Segment& segment) { state.charged -= segment.paid_pages; });
    space.leaves.for_each_in(vm::Space::everything(), [&](vm::Leaf& leaf) {
        if (leaf.charged) --state.charged;
        if (const vm::Segment* own = leaf.own_regions()) state.charged -= own->paid_pages;
        for (unsigned page = 0; page < kPagesPerLeaf; ++page) {
            const vm::PageEntry entry = leaf.table().get(page);
            const vm::Run* run = entry.held() ? leaf.trees.find(page) : nullptr;
            if (run == nullptr || entry.device() || vm::is_borrowed(run->state().ownership)) continue;
            const uint64_t word = *vm::window_pointer<uint64_t>(entry.frame());
            if (word != 0) state.words[leaf.address_of(page).raw()] = word;
        }
    });
}

SpaceState state_of(vm::WorkerContext& worker, vm::Space& space) {
    SpaceState state;
    state.heap_start = space.heap_start.raw(), state.heap_end = space.heap_end.raw();
    state.marks = (space.forking ? 1u : 0u) + (space.arriving ? 2u : 0u) + (space.pinning ? 4u : 0u) + 8u * space.engagements;
    list_mappings(worker, space, state);
    list_pages(space, state);
    return state;
}

std::string text_of(const SpaceState& state) {
    std::ostringstream text;
    text << std::hex << "heap " << state.heap_start << ".." << state.heap_end << ", charged " << std::dec << state.charged << ", marks "
         << state.marks << ", " << state.words.size() << " words;" << std::hex;
    for (const Mapping& m : state.mappings)
        text << " [" << m.start << ".." << m.end << " access " << m.access << " type " << m.type << " traits " << m.traits << " work " << m.work << "]";
    return text.str();
}

// Without the places.
SpaceState shape_of(SpaceState state) {
    for (Mapping& m : state.mappings) m = {0, m.end - m.start, m.access, m.type, m.traits, m.work};
    std::sort(state.mappings.begin(), state.mappings.end());
    std::map<uint64_t, uint64_t> words;  // how often each
    for (const auto& [address, word] : state.words) ++words[word];
    state.words = words;
    return state;
}

}  // namespace

Snapshot::Snapshot(vm::test::Harness& vm, const std::set<uint32_t>& left_out) {
    let_grace_periods_pass(vm);
    const std::lock_guard turn(vm.machine.turn(vm::test::kCpu0));
    vm::WorkerContext worker = vm.context(vm::test::kCpu0);
    for (uint32_t slot = 0; slot < vm.processes().slots(); ++slot) {
        vm::Space* space = vm.processes().slot_at(slot).space();
        if (space != nullptr && !left_out.contains(slot)) spaces_[slot] = state_of(worker, *space);
    }
    for (unsigned type = 0; type < vm::kSlabTypes; ++type)
        if (!follows_from_others(type)) objects_[type] = live_objects(vm, type);
    cached_pages_ = pages_in_cache(vm);
}

std::string Snapshot::difference(const Snapshot& after, Overlooked overlooked) const {
    std::ostringstream text;
    for (const auto& [slot, state] : spaces_) {
        SpaceState before = state;
        const auto found = after.spaces_.find(slot);
        if (found == after.spaces_.end()) {
            text << "the space in slot " << slot << " is gone; ";
            continue;
        }
        if (overlooked.charges) before.charged = found->second.charged;
        if (!(found->second == before)) text << "slot " << slot << ": " << text_of(before) << " became " << text_of(found->second) << "; ";
    }
    if (after.spaces_.size() > spaces_.size()) text << "there are more spaces; ";
    if (overlooked.objects) return text.str();
    for (const auto& [type, number] : objects_)
        if (const int64_t now = after.objects_.at(type); now != number) text << "objects of type " << type << ": " << number << " became " << now << "; ";
    if (cached_pages_ != after.cached_pages_) text << "cached pages: " << cached_pages_ << " became " << after.cached_pages_ << "; ";
    return text.str();
}

std::string Snapshot::difference_in_shape(const Snapshot& after, Overlooked overlooked) const {
    Snapshot mine = *this, others = after;
    for (auto& [slot, state] : mine.spaces_) state = shape_of(state);
    for (auto& [slot, state] : others.spaces_) state = shape_of(state);
    return mine.difference(others, overlooked);
}

}  // namespace shoal::model
