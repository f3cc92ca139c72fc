// The whole model on small scenes: what a measured stretch prints.
#include "bench/sim/machine.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace shoal::sim {
namespace {

class MachineTest : public testing::Test {
  protected:
    MachineTest() {
        block_.pc = 0x401000;
        block_.cycles = 10;
        block_.instructions = 10;
        block_.code = {0x90, 0xc3};
    }
    ~MachineTest() override {
        if (out_ != nullptr) std::fclose(out_);
        std::free(text_);
    }

    void start(Options options) {
        options.memory_mib = 1;
        out_ = open_memstream(&text_, &length_);
        machine_ = std::make_unique<Machine>(options, out_);
        ASSERT_TRUE(machine_->reserve());
        machine_->clocks().set_count(2);
    }
    void run(unsigned core) {
        machine_->run_block(core, block_, [] { return false; });
    }
    std::string printed() {
        std::fflush(out_);
        return {text_, length_};
    }

    Block block_;
    std::FILE* out_ = nullptr;
    char* text_ = nullptr;
    size_t length_ = 0;
    std::unique_ptr<Machine> machine_;
};

TEST_F(MachineTest, AStretchCountsWhatIsInIt) {
    start({});
    run(0);
    machine_->mark(0, Mark::MeasureOn);
    machine_->mark(0, Mark::StretchBegin);
    run(0);
    machine_->access(0, 0x401000, 0x5000, 0x5000, AccessKind::Load);
    machine_->execute(0, {Operation::ExceptionReturn});
    machine_->execute(0, {Operation::StringStep, 8});
    machine_->send_ipi(0);
    machine_->mark(0, Mark::StretchEnd);
    EXPECT_EQ(printed(),
              "SIM cpu 0 cycles 70 insns 10 rdmiss 0 wrmiss 0 remcyc 0 cold 1 irets 1 cr3 0 ipis 1\n");
}

TEST_F(MachineTest, StringBytesAddUpToCycles) {
    start({});
    machine_->mark(0, Mark::StretchBegin);
    for (int i = 0; i < 512; ++i) machine_->execute(0, {Operation::StringStep, 8});
    machine_->mark(0, Mark::StretchEnd);
    EXPECT_NE(printed().find("cycles 128 insns 0 "), std::string::npos) << printed();
}

TEST_F(MachineTest, ALineThatMovesIsChargedToWhoFetchesIt) {
    start({});
    machine_->mark(0, Mark::MeasureOn);
    machine_->access(0, 0, 0x5000, 0x5000, AccessKind::Store);
    machine_->mark(1, Mark::StretchBegin);
    machine_->access(1, 0, 0x5000, 0x5000, AccessKind::Load);
    machine_->access(1, 0, 0x5000, 0x5000, AccessKind::Store);
    machine_->mark(1, Mark::StretchEnd);
    EXPECT_NE(printed().find("rdmiss 1 wrmiss 1 "), std::string::npos) << printed();
}

TEST_F(MachineTest, HotLinesAreNamed) {
    Options options;
    options.hot = true;
    start(options);
    machine_->mark(0, Mark::MeasureOn);
    run(0);
    run(1);
    machine_->access(1, 0x401008, 0x6000, 0x6000, AccessKind::Store);
    machine_->access(0, 0x401008, 0x6000, 0x6000, AccessKind::Store);  // outside its stretch
    machine_->access(0, 0x401000, 0x5008, 0x5008, AccessKind::Store);
    machine_->mark(1, Mark::StretchBegin);
    machine_->access(1, 0x401004, 0x5010, 0x5010, AccessKind::Load);
    machine_->mark(0, Mark::MeasureOff);
    EXPECT_NE(printed().find("BLOCK 0 401000 90c3\nHOTLINE 401004 0 5010 5010 r 1 "), std::string::npos)
        << printed();
    EXPECT_NE(printed().find("HOTEND\n"), std::string::npos);
    EXPECT_EQ(printed().find("HOTLINE 401008"), std::string::npos) << printed();
}

TEST_F(MachineTest, MissesOfManyLinesOfOneInstructionAreAllThere) {
    constexpr uint64_t kLines = 30;
    Options options;
    options.hot = true;
    start(options);
    machine_->mark(0, Mark::MeasureOn);
    run(1);
    for (uint64_t at = 0x5000; at < 0x5000 + kLines * 64; at += 64) machine_->access(0, 0x401000, at, at, AccessKind::Store);
    machine_->mark(1, Mark::StretchBegin);
    for (uint64_t at = 0x5000; at < 0x5000 + kLines * 64; at += 64) machine_->access(1, 0x401004, at, at, AccessKind::Load);
    machine_->mark(0, Mark::MeasureOff);
    const std::string all = printed();
    uint64_t misses = 0, printed_lines = 0;
    for (size_t at = all.find("HOTLINE 401004"); at != std::string::npos; at = all.find("HOTLINE 401004", at + 1), ++printed_lines)
        misses += std::stoull(all.substr(all.find(" r ", at) + 3));
    EXPECT_EQ(misses, kLines) << all;
    EXPECT_LT(printed_lines, kLines);
}

TEST_F(MachineTest, AProfileHasTheCyclesOfAStretch) {
    Options options;
    options.profile = true;
    start(options);
    machine_->mark(0, Mark::MeasureOn);
    run(0);
    machine_->mark(0, Mark::StretchBegin);
    run(0);
    run(0);
    machine_->mark(0, Mark::StretchEnd);
    run(0);
    machine_->mark(0, Mark::MeasureOff);
    EXPECT_NE(printed().find("STACK 20 0\n"), std::string::npos) << printed();
    EXPECT_NE(printed().find("PROF 401000 20\nPROFEND\n"), std::string::npos) << printed();
}

TEST_F(MachineTest, ATraceIsWhatRunsBetweenTwoReturns) {
    Options options;
    options.trace = 2;
    start(options);
    machine_->mark(0, Mark::MeasureOn);
    machine_->mark(0, Mark::StretchBegin);
    for (uint64_t i = 0; i < 4; ++i) {
        run(0);
        machine_->access(0, 0, 0x5000 + i * 64, 0x5000 + i * 64, AccessKind::Store);
        machine_->execute(0, {Operation::ExceptionReturn});
    }
    machine_->mark(0, Mark::StretchEnd);
    machine_->mark(0, Mark::MeasureOff);
    // Two blocks of 10 cycles and two cold lines came before.
    EXPECT_NE(printed().find("\nBLOCK 0 401000 90c3\nSTEP 0 10 140\nTOUCH 5080 5080 w\nLASTSTEP 210\nSTEPEND\n"),
              std::string::npos)
        << printed();
}

TEST_F(MachineTest, ConflictsAreLinesOfTwoCoresWithAWriter) {
    Options options;
    options.conflicts = true;
    start(options);
    machine_->mark(0, Mark::MeasureOn);
    run(0);
    run(1);
    machine_->access(1, 0, 0x5000, 0x5000, AccessKind::Store);  // outside its stretch
    machine_->mark(0, Mark::StretchBegin);
    machine_->mark(1, Mark::StretchBegin);
    machine_->access(0, 0x10, 0x5000, 0x5000, AccessKind::Store);
    machine_->access(0, 0x20, 0x5040, 0x5040, AccessKind::Store);
    machine_->access(1, 0x30, 0x5048, 0x5048, AccessKind::Load);
    machine_->access(0, 0x40, 0x5080, 0x5080, AccessKind::Load);
    machine_->access(1, 0x40, 0x5080, 0x5080, AccessKind::Load);
    machine_->mark(0, Mark::StretchEnd);
    machine_->mark(1, Mark::StretchEnd);
    machine_->mark(0, Mark::MeasureOff);
    EXPECT_NE(printed().find("CONFLICT 5040 0:w:20:0:5040:1 1:r:30:0:5048:1\nCONFLICTEND\n"),
              std::string::npos)
        << printed();
    EXPECT_EQ(printed().find("CONFLICT 5000"), std::string::npos);
    EXPECT_EQ(printed().find("CONFLICT 5080"), std::string::npos);
}

}  // namespace
}  // namespace shoal::sim
