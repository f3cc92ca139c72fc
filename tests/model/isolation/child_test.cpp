// However a child ends, the parent learns of it.
#include "tests/model/isolation/child.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "base/assert.hpp"
#include "tests/model/isolation/shared.hpp"

namespace shoal::model {
namespace {

TEST(Child, SaysWhatItFound) {
    EXPECT_EQ(run_in_child([] { return std::string{}; }), "");
    EXPECT_EQ(run_in_child([] { return std::string{"two"} + " faults"; }), "two faults");
}

TEST(Child, AFailedAssertionIsTold) {
    const std::string told = run_in_child([]() -> std::string {
        SHOAL_CHECK(false && "as planned");
        return {};
    });
    EXPECT_NE(told.find("it died"), std::string::npos) << told;
    EXPECT_NE(told.find("as planned"), std::string::npos) << told;
}

TEST(Child, AnEndlessLoopIsTold) {
    const std::string told = run_in_child([]() -> std::string {
        expect_progress_within(1);
        const std::atomic<bool> forever{true};
        while (forever.load()) {
        }
        return {};
    });
    EXPECT_NE(told.find("does not end"), std::string::npos) << told;
}

TEST(Child, WhatItSharedSurvivesIt) {
    Shared<uint64_t> words(1000);
    const std::string told = run_in_child([&]() -> std::string {
        words[999] = 7;
        std::abort();
    });
    EXPECT_NE(told, "");
    EXPECT_EQ(words[999], 7u);
    EXPECT_EQ(words[0], 0u);
}

}  // namespace
}  // namespace shoal::model
