// Random operations on VM, one at a time from all CPUs, held against the reference: with memory in plenty, with little, and
// with a small quota. SHOAL_MODEL_OPERATIONS sets how many in all, SHOAL_SEED repeats a run.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/model/seed.hpp"
#include "tests/model/sequential/shrink.hpp"
#include "tests/model/vm_system.hpp"

namespace shoal::model {
namespace {

#ifdef NDEBUG
constexpr uint64_t kOperations = 300'000, kOperationsOfFull = 1'000'000;
#else
constexpr uint64_t kOperations = 100'000, kOperationsOfFull = 200'000;
#endif

constexpr uint64_t kAuditEvery = 5'000;

void expect_equal_runs(const VmSystem::Options& options, uint64_t operations) {
    const uint64_t seed = chosen_seed();
    const MakeSystem make = [&options] { return std::make_unique<VmSystem>(options); };
    const Failure failure = run_random(make, seed, operations, kAuditEvery);
    if (!failure) return;
    const Failure small = shrink(make, failure);
    ADD_FAILURE() << "seed " << seed << ": " << failure.what << "\nafter " << failure.operations.size()
                  << " operations, shrunk to " << small.operations.size() << "\n" << small.describe();
}

uint64_t wanted_operations() {
    const bool full = std::getenv("SHOAL_FULL") != nullptr;
    return number_from_environment("SHOAL_MODEL_OPERATIONS", full ? kOperationsOfFull : kOperations);
}

TEST(VmModel, AgreesWithTheReference) {
    expect_equal_runs({.spaces = 8}, wanted_operations());
}

TEST(VmModel, AgreesWhereMemoryIsShort) {
    expect_equal_runs({.spaces = 8, .bytes = uint64_t{24} << 20}, wanted_operations() / 10);
}

TEST(VmModel, AgreesWithinASmallQuota) {
    expect_equal_runs({.spaces = 8, .quota = 700}, wanted_operations() / 10);
}

}  // namespace
}  // namespace shoal::model
