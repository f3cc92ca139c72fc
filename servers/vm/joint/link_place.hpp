// LinkPlace: where a mapping stands among all that have come by one grant: behind those that it has the grant from.
#pragma once

#include <compare>
#include <cstdint>

namespace shoal::vm {

struct LinkPlace {
    uint64_t since = 0;   // the number of the first mapping by which the grant led here
    uint64_t number = 0;  // of the mapping itself
    constexpr auto operator<=>(const LinkPlace&) const = default;
};

}  // namespace shoal::vm
