// Edits of a segment's regions over a range: cutting out, restating, inserting. All under the segment's lock and within a
// Change; regions that go are given back at once. None visits leaves.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm::region_edits {

// Regions that one edit may need at worst, to be reserved before.
inline constexpr uint32_t kMostNewRegions = 2;

void remove(WorkerContext& context, Segment& segment, Region& region);
// Removes every region's part in the range.
void cut(WorkerContext& context, Segment& segment, VirtualRange range);
// Makes the range one region, in place of all that is there. Takes a new one only where none lies wholly in the range, and
// another where one reaches beyond both its ends.
void put(WorkerContext& context, Segment& segment, VirtualRange range, RegionAttributes attributes);
// Splits so that no region crosses either end of the range.
void isolate(WorkerContext& context, Segment& segment, VirtualRange range);
// Sets access and work of the isolated regions in the range.
void set_access(Segment& segment, VirtualRange range, Access access);
void set_work(Segment& segment, VirtualRange range, RegionWork work);
// Joins neighbours in equal state in and around the range.
void merge(WorkerContext& context, Segment& segment, VirtualRange range);
// isolate() and merge() of one region: makes the range, which lies in it, a region of its own; unites one with the neighbours that are
// like it, and returns what they have become.
Region& carve(WorkerContext& context, Segment& segment, Region& region, VirtualRange range);
Region& join(WorkerContext& context, Segment& segment, Region& region);
// Inserts a region into free addresses; needs a reserved Region.
void insert(WorkerContext& context, Segment& segment, VirtualRange range, RegionAttributes attributes);

// Whether cutting the range out leaves one region more: one reaches beyond both its ends.
bool surrounded(const Segment& segment, VirtualRange range);
// How many regions more putting one over the range leaves at most, or giving the range another access.
uint32_t growth_by_put(const Segment& segment, VirtualRange range);
uint32_t growth_by_isolation(const Segment& segment, VirtualRange range);

}  // namespace shoal::vm::region_edits
