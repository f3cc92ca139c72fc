// What an executable becomes in a process: its segments, a stack with the arguments, and where its heap begins.
#pragma once

#include "tests/model/images.hpp"
#include "tests/model/reference/space.hpp"

namespace shoal::model {

// None, or the error that loading this one with these arguments must give.
Error check_load(const ReferenceSpace& space, const Image& image, const LoadFlags& arguments);
// Answers where the program and its stack begin.
Outcome load(ReferenceSpace& space, const Image& image, const LoadFlags& arguments);
// Why some bytes of a process, which do not begin like an executable, are none: BadExecutable and a reason, or BadAddress.
bool begins_like_image(const ReferenceSpace& space, uint64_t address);
Outcome refuse_as_image(const ReferenceSpace& space, uint64_t address, uint64_t bytes);

}  // namespace shoal::model
