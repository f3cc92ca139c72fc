// Four workers on VM at once; what they saw of private pages is exact, what they saw of shared ones must have an explanation.
// SHOAL_SEED repeats the first seed of a run (not its interleaving).
#include <gtest/gtest.h>

#include "tests/model/concurrent/concurrent_run.hpp"
#include "tests/model/seed.hpp"
#include "tests/model/vm_system.hpp"

namespace shoal::model {
namespace {

constexpr unsigned kSeeds = 3;            // SHOAL_CONCURRENT_SEEDS: more
constexpr uint64_t kOperations = 8'000;  // a worker

// lateness: flushes take their time, and stale translations show.
void expect_explained(const VmSystem::Options& options, ConcurrentPlan plan) {
    const uint64_t first = chosen_seed();
    plan.operations_per_worker = number_from_environment("SHOAL_CONCURRENT_OPERATIONS", kOperations);
    const uint64_t seeds = number_from_environment("SHOAL_CONCURRENT_SEEDS", kSeeds);
    for (plan.seed = first; plan.seed < first + seeds; ++plan.seed) {
        const MakeSystem make = [&options] { return std::make_unique<VmSystem>(options); };
        ASSERT_EQ(run_concurrently(make, plan), "") << "seed " << plan.seed;
    }
}

TEST(VmConcurrent, HistoriesHaveAnExplanation) { expect_explained({.lateness = 7}, {}); }

TEST(VmConcurrent, HistoriesOfVeryFewPagesHaveAnExplanation) { expect_explained({.spaces = 1, .lateness = 15}, {.shared_pages = 2}); }

TEST(VmConcurrent, HistoriesHaveAnExplanationWhereMemoryIsShort) {
    expect_explained({.spaces = 5, .bytes = uint64_t{14} << 20}, {.churned_spaces = 3, .churned_pages = 16'384});
}

TEST(VmConcurrent, SpacesEndBesideFaultsInOthersAndTheirOwn) { expect_explained({.spaces = 5}, {.churned_spaces = 3}); }

}  // namespace
}  // namespace shoal::model
