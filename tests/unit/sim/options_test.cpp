// Options as the emulator hands them on.
#include "bench/sim/options.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace shoal::sim {
namespace {

std::string parse(Options& options, std::vector<std::string> words) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    return options.parse(pointers);
}

TEST(SimOptions, NumbersAndSwitches) {
    Options options;
    EXPECT_EQ(parse(options, {"mem=3072", "remote=0x100", "hot", "prof=1", "conflicts=0"}), "");
    EXPECT_EQ(options.memory_mib, 3072U);
    EXPECT_EQ(options.charges.remote_line, 256U);
    EXPECT_TRUE(options.hot);
    EXPECT_TRUE(options.profile);
    EXPECT_FALSE(options.conflicts);
}

TEST(SimOptions, WhatIsWrongIsNamed) {
    Options options;
    EXPECT_NE(parse(options, {"speed=3"}).find("speed=3"), std::string::npos);
    EXPECT_NE(parse(options, {"mem=much"}).find("mem=much"), std::string::npos);
    EXPECT_NE(parse(options, {"mem="}), "");
}

}  // namespace
}  // namespace shoal::sim
