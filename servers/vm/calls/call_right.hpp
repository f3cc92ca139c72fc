// CallRight: what calls that all may make do for those who have the call's bit in their mask of VM calls, and for nobody else.
#pragma once

#include <cstdint>

namespace shoal::vm {

enum class CallRight : uint8_t { Plain, Granted };

}  // namespace shoal::vm
