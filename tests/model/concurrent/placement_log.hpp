// Where one CPU's maps were placed by the system, and for how long. No two may have lain over each other.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "tests/model/operation.hpp"

namespace shoal::model {

struct Placement {
    Operation map;
    uint64_t address = 0;
    uint64_t from = 0;                // on the EventClock: when it had been answered
    uint64_t until = ~uint64_t{0};    // when its unmapping was asked for

    bool collides(const Placement& other) const {
        const bool beside = address + map.bytes <= other.address || other.address + other.map.bytes <= address;
        return map.space == other.map.space && !beside && from < other.until && other.from < until;
    }
};

using PlacementLog = std::vector<Placement>;

// Empty if every placement was free when it was made.
inline std::string check_placements(const std::vector<PlacementLog>& logs) {
    PlacementLog all;
    for (const PlacementLog& log : logs) all.insert(all.end(), log.begin(), log.end());
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.address < b.address; });
    for (size_t i = 0; i < all.size(); ++i)
        for (size_t k = i + 1; k < all.size() && all[k].address < all[i].address + all[i].map.bytes; ++k)
            if (all[i].collides(all[k]))
                return "two maps at once in one place: " + describe(all[i].map) + " at " + std::to_string(all[i].address) +
                       " and " + describe(all[k].map) + " at " + std::to_string(all[k].address);
    return {};
}

}  // namespace shoal::model
