// What the boot line asks RS for.
#include "servers/rs/boot_options.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace shoal::rs {
namespace {

std::vector<std::string> arguments_of(const std::string& line) {
    const BootOptions options(line.c_str());
    EXPECT_STREQ(options.program(), options.arguments()[0]);
    return {options.arguments().begin(), options.arguments().end()};
}

using Words = std::vector<std::string>;

TEST(BootOptions, TheSuiteIsTheDefault) {
    EXPECT_EQ(arguments_of(""), Words{"faults"});
    EXPECT_EQ(arguments_of("   console=com1,115200  end=off "), Words{"faults"});
}

TEST(BootOptions, AProgramByItsNameOrAsABench) {
    EXPECT_EQ(arguments_of("bench=ipc"), Words{"ipc"});
    EXPECT_EQ(arguments_of("log=debug rs.program=hello maxcpus=2"), Words{"hello"});
    EXPECT_EQ(arguments_of("rs.program=hello bench=ipc"), Words{"hello"});
    EXPECT_EQ(arguments_of("bench=ipc rs.program=hello"), Words{"hello"});
    EXPECT_EQ(arguments_of("bench=ipc bench=faults"), Words{"faults"}) << "the last one counts";
}

TEST(BootOptions, ArgumentsAreSeparatedByCommas) {
    EXPECT_EQ(arguments_of("rs.program=spawner rs.args=count=100000,seed=1"), (Words{"spawner", "count=100000", "seed=1"}));
    EXPECT_EQ(arguments_of("rs.args=a rs.program=x"), (Words{"x", "a"}));
    EXPECT_EQ(arguments_of("rs.program=x rs.args=,a,,b,"), (Words{"x", "a", "b"}));
    EXPECT_EQ(arguments_of("rs.program=x rs.args="), Words{"x"});
}

TEST(BootOptions, TheRoleIsAManagersOnlyByItsName) {
    EXPECT_EQ(BootOptions("rs.program=x").role(), ProgramRole::User);
    EXPECT_EQ(BootOptions("rs.program=x rs.role=manager").role(), ProgramRole::ProcessManager);
    EXPECT_EQ(BootOptions("rs.role=driver").role(), ProgramRole::Driver);
    EXPECT_EQ(BootOptions("rs.role=fileserver").role(), ProgramRole::FileServer);
    EXPECT_EQ(BootOptions("rs.role=managers").role(), ProgramRole::User);
    EXPECT_EQ(BootOptions("rs.role=").role(), ProgramRole::User);
}

TEST(BootOptions, WordsThatOnlyLookAlikeAreLeftAlone) {
    EXPECT_EQ(arguments_of("rs.programs=x rs.program xbench=y rs.argsx=1 other.rs.program=z"), Words{"faults"});
    EXPECT_EQ(arguments_of("append=rs.program=x"), Words{"faults"});
}

TEST(BootOptions, AsMuchAsThereIsRoomFor) {
    std::string line = "rs.program=x rs.args=";
    for (int i = 0; i < 100; ++i) line += "a,";
    EXPECT_EQ(arguments_of(line).size(), 32u) << "the program's name among them";
    const std::string endless = "rs.program=" + std::string(4096, 'y');
    EXPECT_EQ(arguments_of(endless), Words{std::string(511 - 11, 'y')});
}

}  // namespace
}  // namespace shoal::rs
