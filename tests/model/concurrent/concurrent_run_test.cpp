// The concurrent model test tested: it passes a right system and finds each defect of a wrong one.
#include "tests/model/concurrent/concurrent_run.hpp"

#include <gtest/gtest.h>

#include "tests/model/sequential/fake_system.hpp"

namespace shoal::model {
namespace {

MakeSystem maker_of(Defect defect) {
    return [defect] { return std::make_unique<FakeSystem>(defect); };
}

TEST(ModelOfModel, PassesARightSystemConcurrently) {
    EXPECT_EQ(run_concurrently(maker_of(Defect::None), {}), "");
}

class EveryConcurrentDefect : public testing::TestWithParam<Defect> {};

TEST_P(EveryConcurrentDefect, IsFound) {
    ConcurrentPlan plan;
    plan.operations_per_worker = 4'000;
    EXPECT_NE(run_concurrently(maker_of(GetParam()), plan), "");
}

INSTANTIATE_TEST_SUITE_P(Defects, EveryConcurrentDefect,
                         testing::Values(Defect::KeepsContents, Defect::IgnoresProtection, Defect::UnmapsOnePageTooFew,
                                         Defect::StaleRead, Defect::Dies, Defect::PlacesTwice));

}  // namespace
}  // namespace shoal::model
