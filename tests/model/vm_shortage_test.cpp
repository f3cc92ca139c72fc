// Every place where VM asks for memory refuses it, now and then: the operation answers so, nothing is lost, and what the reference
// knows is as it was. SHOAL_SEED repeats a run.
#include <gtest/gtest.h>

#include <optional>
#include <random>

#include "tests/model/isolation/child.hpp"
#include "tests/model/isolation/shared.hpp"
#include "tests/model/seed.hpp"
#include "tests/model/sequential/generator.hpp"
#include "tests/model/sequential/pair.hpp"
#include "tests/model/shortage/famine.hpp"
#include "tests/model/vm_system.hpp"

namespace shoal::model {
namespace {

constexpr uint64_t kOperations = 6'000;
constexpr uint32_t kMostFrames = 9;  // left: more than any operation takes before its commit point
constexpr unsigned kProbes = 24;
constexpr unsigned kPatience = 120;  // seconds for an operation with its famine, audit and probes

class StarvedRun {
  public:
    StarvedRun(uint64_t seed, uint64_t& refused)
        : refused_(refused), random_(seed), system_(new VmSystem({.workers = 2, .bytes = uint64_t{16} << 20})),
          pair_(std::unique_ptr<System>(system_)), generator_(seed, pair_.workers(), static_cast<unsigned>(pair_.reference().spaces().size())) {}

    std::string operator()() {
        for (uint64_t i = 0; i < kOperations; ++i) {
            expect_progress_within(kPatience);
            const Operation op = generator_.next(pair_.reference());
            const uint64_t before = system_->refused_for_memory();
            if (std::string what = apply(op, random_() % 4 != 0); !what.empty()) return describe(op) + ": " + what;
            if (system_->refused_for_memory() == before) continue;
            ++refused_;
            if (std::string what = check_unchanged(op); !what.empty()) return "after a refusal of " + describe(op) + ": " + what;
        }
        return pair_.end();
    }

  private:
    std::string apply(const Operation& op, bool starved) {
        std::optional<Famine> famine;
        if (starved)
            famine.emplace(system_->harness(), CpuId::from(op.worker), static_cast<uint32_t>(random_() % kMostFrames),
                           static_cast<uint32_t>(random_()));
        return pair_.apply(op);
    }
    // Access and contents of pages of the range, and of others near it; then everything against everything.
    std::string check_unchanged(const Operation& op) {
        if (std::string what = pair_.audit(); !what.empty()) return what;
        for (unsigned i = 0; i < kProbes; ++i) {
            Operation probe;
            probe.kind = i % 3 == 0 ? Kind::Execute : Kind::Read;
            probe.worker = static_cast<uint8_t>(i % 2);
            probe.space = i % 4 == 3 ? op.other : op.space;
            probe.word = static_cast<uint8_t>(i % kWordsUsed);
            probe.address = (op.address & ~uint64_t{kPageSize - 1}) + random_() % 32 * kPageSize;
            if (probe.address >= kUserTop) continue;
            if (std::string what = pair_.apply(probe); !what.empty()) return describe(probe) + ": " + what;
        }
        return {};
    }

    uint64_t& refused_;
    std::mt19937_64 random_;
    VmSystem* system_;  // the pair's
    Pair pair_;
    Generator generator_;
};

TEST(VmShortage, ARefusalChangesNothing) {
    const uint64_t seed = chosen_seed();
    Shared<uint64_t> refused;
    EXPECT_EQ(run_in_child([&] { return StarvedRun(seed, *refused)(); }), "") << "seed " << seed << ", after " << *refused << " refusals";
    EXPECT_GT(*refused, kOperations / 40);  // one of the two is a server, whose faults are refused last
}

}  // namespace
}  // namespace shoal::model
