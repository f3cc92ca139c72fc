// Each place of each call that asks for memory refuses it, one after the other: the call fails as its table says, nothing has changed,
// and made again it succeeds; at the end everything has come back. A call of abi/vm_calls.toml that has no scenario fails the test.
#include <gtest/gtest.h>

#include <set>

#include "tests/model/failure/trial.hpp"
#include "tests/model/isolation/child.hpp"
#include "tests/model/isolation/shared.hpp"

namespace shoal::model {
namespace {

constexpr unsigned kPatience = 60;  // seconds for all places of one scenario

constexpr uint64_t kMuch = uint64_t{48} << 20, kLittle = uint64_t{8} << 20;
constexpr Circumstances kAll[] = {
    {"one piece missing", After::Granted, Stocks::Full, Scarce::MemoryHere, kMuch},
    {"no more memory", After::Refused, Stocks::Full, Scarce::MemoryEverywhere, kMuch},
    {"no more memory, nor stocks", After::Refused, Stocks::Taken, Scarce::MemoryHere, kMuch},
    {"one piece missing, little memory", After::Granted, Stocks::Full, Scarce::MemoryEverywhere, kLittle},
    {"no more of little memory", After::Refused, Stocks::Full, Scarce::MemoryHere, kLittle},
    {"too small a quota", After::Refused, Stocks::Full, Scarce::Quota, kMuch},
};

struct Figures {
    uint64_t places, failures;
};

class NthFailure : public ::testing::TestWithParam<Scenario> {};

TEST_P(NthFailure, ChangesNothing) {
    uint64_t places = 0, failures = 0;
    for (const Circumstances& circumstances : kAll) {
        Shared<Figures> seen;
        EXPECT_EQ(run_in_child([&] {
                      expect_progress_within(kPatience);
                      Trial trial(GetParam(), circumstances);
                      const std::string what = trial.run();
                      *seen = {trial.places(), trial.failures()};
                      return what;
                  }),
                  "");
        places += seen->places;
        failures += seen->failures;
    }
    RecordProperty("places", static_cast<int>(places));
    if (GetParam().fails == Fails::WithNoMemory) {
        EXPECT_GT(failures, 0u) << "a test that refuses nothing";
    }
}

Scenarios all_scenarios() {
    Scenarios all;
    for (const auto part : {mapping_scenarios, fault_scenarios, process_scenarios, notice_scenarios, physical_scenarios, shared_scenarios, cache_scenarios, joint_scenarios, file_scenarios})
        for (Scenario& scenario : part()) all.push_back(std::move(scenario));
    return all;
}

std::string name_of(const ::testing::TestParamInfo<Scenario>& info) {
    std::string name;
    for (const char letter : info.param.name) name += isalnum(letter) != 0 ? letter : '_';
    return name;
}

INSTANTIATE_TEST_SUITE_P(Of, NthFailure, ::testing::ValuesIn(all_scenarios()), name_of);

TEST(NthFailureTable, HasAScenarioForEveryCall) {
    std::set<uint32_t> tried;
    for (const Scenario& scenario : all_scenarios())
        if (scenario.call) tried.insert(static_cast<uint32_t>(*scenario.call));
    vm::test::Harness vm({.cpus = 1});
    for (uint32_t number = 0; number < kVmCallLimit; ++number) {
        const bool is_call = vm.call(kCpu0, ProcessId::of(9, 9), VmCall{number}, {}).outcome() != Error::NotImplemented;
        EXPECT_EQ(tried.contains(number), is_call) << "call " << number;
    }
}

}  // namespace
}  // namespace shoal::model
