// The number of a space: its process' slot.
#pragma once

#include <cstdint>

#include "abi/endpoint.hpp"

namespace shoal::kernel::space {

class SpaceSlot : public Strong<struct SpaceSlotTag, uint32_t> {
  public:
    using Strong::Strong;
    static constexpr SpaceSlot of(ProcessId process) { return SpaceSlot{process.slot()}; }
};

inline constexpr SpaceSlot kNoSpace{~uint32_t{0}};

}  // namespace shoal::kernel::space
