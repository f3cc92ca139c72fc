// What two spaces have in common from some call on: by share, the same pages; by remap, the same shared memory.
#pragma once

#include <vector>

#include "tests/model/reference/space.hpp"

namespace shoal::model {

// None, or the error that a share of this range must give.
Error check_share(const ReferenceSpace& source, const ReferenceSpace& destination, const Operation& op);
void share(ReferenceSpace& source, ReferenceSpace& destination, const Operation& op);

// Likewise of a remap: but for what may be wrong with the place in the destination.
Error check_remap(const ReferenceSpace& source, const ReferenceSpace& destination, const Operation& op);
bool remap_fits(const ReferenceSpace& destination, const Operation& op, uint64_t chosen);
// Removes the mapping of shared memory that begins in the address' page, or what is left of it.
Error unmap_shared(ReferenceSpace& space, uint64_t address);
// Of all spaces, how many mappings of the memory there are.
uint64_t count_mappings(const std::vector<ReferenceSpace>& spaces, uint64_t object);
void remap(ReferenceSpace& source, ReferenceSpace& destination, const Operation& op, uint64_t chosen);

}  // namespace shoal::model
