// How a CPU's cache of objects or frames is filled when it has too little. In the guest as well as it can be; on the host a test may
// have its say, so that each place that asks for memory is refused in its turn. Asked on slow ways only.
#pragma once

#include <cstdint>

namespace shoal::vm::platform {

enum class Refill : uint8_t {
    Ample,    // with more than is wanted now: it will not be asked for again so soon
    Exact,    // with what is wanted: whoever wants something next has to ask, too
    Refused,  // not at all, as where no memory is left
};

#if __STDC_HOSTED__ == 0
constexpr Refill next_refill() { return Refill::Ample; }
#else
Refill next_refill();
#endif

}  // namespace shoal::vm::platform
