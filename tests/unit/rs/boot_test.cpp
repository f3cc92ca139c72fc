// What RS starts, in which order, and what it says and does where something does not start.
#include <gtest/gtest.h>

#include "servers/rs/server.hpp"
#include "tests/unit/rs/fake_system.hpp"

namespace shoal::rs::test {
namespace {

using Log = std::vector<std::string>;

// What RS prints while `act` runs.
template <typename Act>
std::string console(Act act) {
    testing::internal::CaptureStdout();
    act();
    return testing::internal::GetCapturedStdout();
}

TEST(Boot, ServersThenTheProgram) {
    FakeSystem system("rs.program=hello rs.args=a,b");
    Server server(system.image);
    EXPECT_EQ(console([&] { server.start(); }), "");
    EXPECT_EQ(system.log, (Log{"space 2 2", "load pm", "start 2", "unmap 0 8192", "spawn"})) << "PM's image is given back";
    EXPECT_EQ(system.program_arguments, (std::vector<std::string>{"hello", "a", "b"}));
    EXPECT_EQ(system.program_bytes, FakeSystem::kImageBytes);
    EXPECT_FALSE(server.ended().has_value());
}

TEST(Boot, AServerThatDoesNotStartEndsTheSystem) {
    for (const Step step : {Step::Space, Step::Load, Step::Start}) {
        FakeSystem system("");
        system.fail_next(step, Error::NoMemory);
        Server server(system.image);
        EXPECT_EQ(console([&] { server.start(); }), "rs: server pm did not start: out of memory\n");
        EXPECT_EQ(server.ended(), kCannotStart);
        EXPECT_EQ(system.log.back(), "audit");
        EXPECT_TRUE(system.program_arguments.empty());
    }
}

TEST(Boot, AnImageWithoutPmEndsTheSystem) {
    FakeSystem system("");
    system.image.entry[0].name[0] = 'x';
    Server server(system.image);
    EXPECT_EQ(console([&] { server.start(); }), "rs: server pm did not start: no such entry\n");
    EXPECT_EQ(server.ended(), kCannotStart);
}

TEST(Boot, AMissingProgramIsNamedWithThoseThatAreThere) {
    const std::string longest(sizeof BootImage::Entry::name, 'n');
    FakeSystem system("rs.program=helo", {longest, "hello"});
    Server server(system.image);
    EXPECT_EQ(console([&] { server.start(); }),
              "rs: program helo did not start: no such entry\nrs: programs here: pm " + longest + " hello\n");
    EXPECT_EQ(server.ended(), kCannotStart);
}

TEST(Boot, AProgramThatPmRefusesEndsTheSystem) {
    FakeSystem system("bench=faults");
    system.fail_next(Step::Spawn, Error::BadExecutable);
    Server server(system.image);
    EXPECT_NE(console([&] { server.start(); }).find("program faults did not start: executable format error"), std::string::npos);
    EXPECT_EQ(server.ended(), kCannotStart);
}

TEST(Boot, AnImageThatCannotBeGivenBackIsNoReasonToStop) {
    FakeSystem system("");
    system.fail_next(Step::Unmap, Error::Invalid);
    Server server(system.image);
    EXPECT_EQ(console([&] { server.start(); }), "rs: image pm stays: invalid argument\n");
    EXPECT_FALSE(server.ended().has_value());
}

TEST(Boot, NamesMayFillTheirField) {
    const std::string longest(sizeof BootImage::Entry::name, 'n');
    FakeSystem system("", {longest, "faults"});
    const BootImages images(system.image);
    EXPECT_EQ(images.find(longest.c_str()).start, FakeSystem::start_of(1));
    EXPECT_EQ(images.find("nnn").bytes, 0u) << "a name is not found by its beginning";
    EXPECT_EQ(images.find("").bytes, 0u);
}

}  // namespace
}  // namespace shoal::rs::test
