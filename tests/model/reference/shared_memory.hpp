// What two spaces have in common from some call on: by share, the same pages; by remap, the same shared memory.
#pragma once

#include "tests/model/reference/space.hpp"

namespace shoal::model {

// None, or the error that a share of this range must give.
Error check_share(const ReferenceSpace& source, const ReferenceSpace& destination, const Operation& op);
void share(ReferenceSpace& source, ReferenceSpace& destination, const Operation& op);

// Likewise of a remap: but for what may be wrong with the place in the destination.
Error check_remap(const ReferenceSpace& source, const ReferenceSpace& destination, const Operation& op);
bool remap_fits(const ReferenceSpace& destination, const Operation& op, uint64_t chosen);
void remap(ReferenceSpace& source, ReferenceSpace& destination, const Operation& op, uint64_t chosen);

}  // namespace shoal::model
