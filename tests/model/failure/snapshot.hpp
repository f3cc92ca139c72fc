// Snapshot: the state that a call could have changed, as those see it whom it concerns. What only makes later calls fast, an empty
// table or a leaf that has its regions to itself, is not in it, nor what the quota pays for that.
#pragma once

#include <compare>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/model/holdings.hpp"

namespace shoal::model {

struct Mapping {
    uint64_t start, end, access, type, traits, work;
    auto operator<=>(const Mapping&) const = default;
};

struct SpaceState {
    uint64_t heap_start = 0, heap_end = 0, charged = 0;
    unsigned marks = 0;  // forking, arriving, pinning, engagements
    std::vector<Mapping> mappings;            // neighbours alike as one
    std::map<uint64_t, uint64_t> words;       // the first of each resident page that is the space's own, if it is not 0
    bool operator==(const SpaceState&) const = default;
};

// What a comparison does not look at.
struct Overlooked {
    bool charges = false;  // for pages present
    bool objects = false;  // of no space, and cached pages
};

class Snapshot {
  public:
    // left_out: slots of processes whose spaces do not count.
    Snapshot(vm::test::Harness& vm, const std::set<uint32_t>& left_out);

    // What differs, or nothing.
    [[nodiscard]] std::string difference(const Snapshot& after, Overlooked overlooked) const;
    // As difference(), wherever the mappings lie.
    [[nodiscard]] std::string difference_in_shape(const Snapshot& after, Overlooked overlooked) const;

  private:
    std::map<uint32_t, SpaceState> spaces_;  // by slot
    std::map<unsigned, int64_t> objects_;    // by type: those that no cache of pages or tables explains
    uint64_t cached_pages_ = 0;
};

}  // namespace shoal::model
