// Worker: what one CPU does in a concurrent run, and what it saw.
#pragma once

#include <random>

#include "tests/model/concurrent/concurrent_run.hpp"
#include "tests/model/concurrent/private_pages.hpp"

namespace shoal::model {

class Worker {
  public:
    // begun: counts this worker's operations, where the process that judges the run sees it.
    Worker(System& system, const ConcurrentPlan& plan, unsigned index, EventClock& clock, FirstFailure& failure, uint64_t& begun);

    // In a steady space, before anybody runs: a region around the border, of which each worker has its part. One of them maps it.
    Operation ground(unsigned space) const;
    void map_ground(const Operation& map);
    void expect_ground(const Operation& map) { private_.expect_ground(map); }
    unsigned steady_spaces() const { return system_.spaces() - plan_.churned_spaces; }

    void run();
    const SharedLog& log() const { return log_; }
    const PlacementLog& placements() const { return private_.placements(); }

  private:
    uint64_t below(uint64_t limit) { return random_() % limit; }
    uint64_t shared_start() const { return kBorder - plan_.shared_pages / 2 * kPageSize; }
    Operation random_operation();
    void do_something();
    void do_churned();
    void share_churned(Operation operation);
    uint8_t churned_space() { return static_cast<uint8_t>(steady_spaces() + below(plan_.churned_spaces)); }
    void do_shared();
    void log_shared(const PageEvent& event);

    System& system_;
    const ConcurrentPlan& plan_;
    unsigned index_;
    EventClock& clock_;
    FirstFailure& failure_;
    uint64_t& begun_;
    std::mt19937_64 random_;
    PrivatePages private_;
    SharedLog log_;
};

}  // namespace shoal::model
