// What the new instance of a server gets of what the old one has mapped, before the two change places.
#pragma once

#include "tests/model/reference/space.hpp"

namespace shoal::model {

void inherit(const ReferenceSpace& old_one, ReferenceSpace& new_one);

// One mapping after the other comes along or is left out. Pages that lie side by side, alike, may be one mapping or several; where the new one has
// something in the place of some of them, that would show.
bool inheritance_is_open(const ReferenceSpace& old_one, const ReferenceSpace& new_one);

}  // namespace shoal::model
