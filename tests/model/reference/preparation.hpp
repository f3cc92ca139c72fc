// rs_memctl and rs_prepare: what is made ready before it is wanted.
#pragma once

#include "tests/model/reference/space.hpp"

namespace shoal::model {

// All that may be written is the process' own from here on, as far as it can be.
// Adds to the answer how many pages are present then, to be read, and to be written.
void pin(ReferenceSpace& space, Outcome& outcome);
// More heap; answers where it has ended, and how many pages more there are.
Outcome extend_heap(ReferenceSpace& space, uint64_t bytes);
// The heap reaches as far as the other's.
Error extend_heap_alike(const ReferenceSpace& source, ReferenceSpace& destination);

// The map that the process will be told of.
void preallocate(ReferenceSpace& space, uint64_t start, uint64_t bytes);
// What is left of it, from its first page on without a hole; no bytes: nothing.
Outcome find_preallocated(const ReferenceSpace& space);

}  // namespace shoal::model
