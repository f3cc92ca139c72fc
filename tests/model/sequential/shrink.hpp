// From a failure of thousands of random operations to the few that make it.
#pragma once

#include "tests/model/sequential/replay.hpp"

namespace shoal::model {

// Fewer and plainer operations that still fail, though maybe otherwise: none of them can be left out (delta debugging: Zeller and
// Hildebrandt, 2002). The failure itself if a replay does not show it. Takes SHOAL_SHRINK_SECONDS at most, 120 if not given.
Failure shrink(const MakeSystem& make, const Failure& failure);

}  // namespace shoal::model
