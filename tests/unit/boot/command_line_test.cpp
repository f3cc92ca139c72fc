#include "boot/decode/command_line.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/boot/bytes.hpp"

namespace shoal::boot::test {
namespace {

using Kind = smp::ConsoleOption::Kind;

smp::BootOptions parse(const std::string& line, uint32_t expected_bad = 0) {
    smp::BootOptions options;
    BadWords bad;
    parse_command_line(line.c_str(), options, bad);
    EXPECT_EQ(bad.count, expected_bad) << line;
    return options;
}

TEST(CommandLine, AnEmptyLineGivesTheDefaults) {
    const smp::BootOptions options = parse("  \t ");
    EXPECT_EQ(options.console.kind, Kind::Best);
    EXPECT_EQ(options.end, smp::EndAction::Best);
    EXPECT_EQ(options.max_cpus, 0u);
    EXPECT_TRUE(options.x2apic && options.pcid && options.tsc_deadline && options.smap && options.xsave && options.fsgsbase);
}

TEST(CommandLine, EachSwitchTurnsOffItsFeatureOnly) {
    EXPECT_FALSE(parse("nox2apic").x2apic);
    EXPECT_FALSE(parse("nopcid").pcid);
    EXPECT_FALSE(parse("notscdeadline").tsc_deadline);
    EXPECT_FALSE(parse("nosmap").smap);
    EXPECT_FALSE(parse("noxsave").xsave);
    EXPECT_FALSE(parse("nofsgsbase").fsgsbase);
    EXPECT_TRUE(parse("nox2apic").pcid);
}

TEST(CommandLine, ReadsChoices) {
    const smp::BootOptions options = parse("end=reboot clock=hpet log=debug maxcpus=3 ipc=trap bench=faults vm.audit=1");
    EXPECT_EQ(options.end, smp::EndAction::Reboot);
    EXPECT_EQ(options.clock, smp::ClockChoice::Hpet);
    EXPECT_EQ(options.log, smp::LogLevel::Debug);
    EXPECT_EQ(options.max_cpus, 3u);
    EXPECT_TRUE(options.trap_by_interrupt);
}

TEST(CommandLine, ReadsSelfTests) {
    EXPECT_EQ(parse("").self_test, smp::SelfTest::None);
    EXPECT_EQ(parse("selftest").self_test, smp::SelfTest::Machine);
    EXPECT_EQ(parse("selftest=late-cpu").self_test, smp::SelfTest::LateCpu);
    EXPECT_EQ(parse("selftest=stack").self_test, smp::SelfTest::StackOverflow);
    EXPECT_EQ(parse("selftest=everything", 1).self_test, smp::SelfTest::None);
    EXPECT_EQ(parse("selftests rs.program=selftest").self_test, smp::SelfTest::None);
}

TEST(CommandLine, ReadsConsoles) {
    EXPECT_EQ(parse("console=fb").console.kind, Kind::Framebuffer);
    EXPECT_EQ(parse("console=none").console.kind, Kind::None);
    EXPECT_EQ(parse("console=com2").console.port, 0x2f8);
    const smp::ConsoleOption port = parse("console=0x2f0,9600").console;
    EXPECT_EQ(port.kind, Kind::Serial);
    EXPECT_EQ(port.port, 0x2f0);
    EXPECT_EQ(port.baud, 9600u);
    EXPECT_EQ(parse("console=serial,57600").console.baud, 57600u);
}

TEST(CommandLine, TheLastOfEqualOptionsCounts) {
    EXPECT_EQ(parse("end=wait end=qemu").end, smp::EndAction::Qemu);
    EXPECT_EQ(parse("console=com2,9600 console=com1").console.baud, 0u);
}

TEST(CommandLine, NonsenseIsReportedAndChangesNothing) {
    for (const char* word : {"end=", "end=never", "clock=sundial", "log=loud", "maxcpus=0", "maxcpus=257", "maxcpus=4x",
                             "console=", "console=com9", "console=0x10000", "console=com1,0", "ipc=mail"}) {
        const smp::BootOptions options = parse(word, 1);
        EXPECT_EQ(options.console.kind, Kind::Best) << word;
        EXPECT_EQ(options.end, smp::EndAction::Best) << word;
    }
}

TEST(CommandLine, AppendsWithABlankAndCutsAtTheEnd) {
    char line[16] = "a=1";
    EXPECT_TRUE(append_to_line(line, sizeof line, "b=2", 3));
    EXPECT_STREQ(line, "a=1 b=2");
    EXPECT_FALSE(append_to_line(line, sizeof line, "0123456789", 10));
    EXPECT_STREQ(line, "a=1 b=2 0123456");
    char empty[8] = "";
    EXPECT_TRUE(append_to_line(empty, sizeof empty, "x\0y", 3));  // file contents may hold a NUL
    EXPECT_STREQ(empty, "x");
}

TEST(CommandLine, AnyTextIsReadWithinItsBounds) {
    std::mt19937_64 random(new_seed());
    const char* const pieces[] = {"console=", "end=", "maxcpus=", "com1", ",", "0x", "9", " ", "log=", "fb", "=", "\xff"};
    for (int round = 0; round < 20'000; ++round) {
        std::string line;
        for (uint64_t n = random() % 20; n > 0; --n) line += pieces[random() % std::size(pieces)];
        const auto exact = std::make_unique<char[]>(line.size() + 1);
        memcpy(exact.get(), line.c_str(), line.size() + 1);
        smp::BootOptions options;
        BadWords bad;
        parse_command_line(exact.get(), options, bad);
        EXPECT_LE(options.max_cpus, kMaxCpus);
    }
}

}  // namespace
}  // namespace shoal::boot::test
