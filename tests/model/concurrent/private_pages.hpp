// PrivatePages: the pages that one worker alone uses, in every space. It knows at each access what must be there and what is
// allowed, whatever others do to neighbouring pages, in the same leaf, region and segment.
//
// Three stretches: among the others' pages, far from them, and where the system places its maps; and the heap of one space a worker.
#pragma once

#include <random>
#include <vector>

#include "tests/model/concurrent/first_failure.hpp"
#include "tests/model/concurrent/placement_log.hpp"
#include "tests/model/concurrent/shared_log.hpp"
#include "tests/model/reference/space.hpp"
#include "tests/model/system.hpp"

namespace shoal::model {

class PrivatePages {
  public:
    PrivatePages(System& system, unsigned worker, unsigned spaces, EventClock& clock, FirstFailure& failure);

    // The pages that all workers find mapped when they begin are this one's in its stretch there.
    void expect_ground(const Operation& map);
    // One random operation, whose kind, protection, word and value have been chosen.
    void do_something(Operation op, std::mt19937_64& random);
    const PlacementLog& placements() const { return placements_; }

  private:
    [[nodiscard]] uint64_t near() const;
    void do_at(Operation op, uint64_t base, std::mt19937_64& random);
    void do_heap(Operation op, std::mt19937_64& random);
    void do_placed(Operation op, std::mt19937_64& random);
    void place(Operation op, std::mt19937_64& random);
    void remove(size_t which);
    void compare(const Operation& op);
    Outcome expect(const Operation& op);
    Error expect_share(const Operation& op);

    System& system_;
    unsigned worker_;
    EventClock& clock_;
    FirstFailure& failure_;
    std::vector<ReferenceSpace> references_;  // of this worker's pages, by space
    PlacementLog placements_;
    std::vector<size_t> live_;                // of placements_
};

}  // namespace shoal::model
