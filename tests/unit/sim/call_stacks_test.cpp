// Chains of calls from the addresses at which calls store and returns read.
#include "bench/sim/observe/call_stacks.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

namespace shoal::sim {
namespace {

constexpr uint64_t kUserStack = 0x7000'0000, kOtherStack = 0x7100'0000;
constexpr uint64_t kKernelStack = 0xffff'ffff'c000'8000, kKernelCode = 0xffff'ffff'8010'0000;

class CallStacksTest : public testing::Test {
  protected:
    const Block& block(uint64_t pc) {
        Block made;
        made.id = static_cast<uint32_t>(blocks_.size());
        made.pc = pc;
        made.code_page = pc >> 12;
        return blocks_.emplace_back(made);
    }
    // Callees' ids from the outermost on.
    std::vector<uint32_t> chain(CallTree::Node node) const {
        std::vector<uint32_t> ids;
        for (; node != CallTree::kRoot; node = stacks_.tree().entry(node).parent)
            ids.insert(ids.begin(), stacks_.tree().entry(node).callee->id);
        return ids;
    }
    using Ids = std::vector<uint32_t>;

    CallStacks stacks_;
    std::deque<Block> blocks_;
    const Block& main_ = block(0x401000);
    const Block& callee_ = block(0x402000);
    const Block& inner_ = block(0x403000);
    const Block& entry_ = block(kKernelCode);
    const Block& handler_ = block(kKernelCode + 0x1000);
};

TEST_F(CallStacksTest, CallAndReturn) {
    EXPECT_EQ(chain(stacks_.run(main_)), Ids{});
    stacks_.call(kUserStack);
    EXPECT_EQ(chain(stacks_.run(callee_)), Ids{callee_.id});
    stacks_.call(kUserStack - 64);
    EXPECT_EQ(chain(stacks_.run(inner_)), (Ids{callee_.id, inner_.id}));
    stacks_.ret(kUserStack - 64);
    EXPECT_EQ(chain(stacks_.run(callee_)), Ids{callee_.id});
    stacks_.ret(kUserStack);
    EXPECT_EQ(chain(stacks_.run(main_)), Ids{});
}

TEST_F(CallStacksTest, EqualChainsAreOneNode) {
    stacks_.run(main_);
    stacks_.call(kUserStack);
    const CallTree::Node first = stacks_.run(callee_);
    stacks_.ret(kUserStack);
    stacks_.run(main_);
    stacks_.call(kUserStack);
    EXPECT_EQ(stacks_.run(callee_), first);
}

TEST_F(CallStacksTest, ReturnsThatWereSkippedArePopped) {
    stacks_.run(main_);
    stacks_.call(kUserStack);
    stacks_.run(callee_);
    stacks_.call(kUserStack - 64);
    stacks_.run(inner_);
    stacks_.ret(kUserStack);  // as after a longjmp
    EXPECT_EQ(chain(stacks_.run(main_)), Ids{});
}

TEST_F(CallStacksTest, StacksDoNotMix) {
    stacks_.run(main_);
    stacks_.call(kUserStack);
    stacks_.run(callee_);
    stacks_.call(kOtherStack);  // another thread runs now
    EXPECT_EQ(chain(stacks_.run(inner_)), Ids{inner_.id});
    stacks_.ret(kOtherStack);
    stacks_.run(main_);
    stacks_.call(kUserStack - 64);
    EXPECT_EQ(chain(stacks_.run(inner_)), (Ids{callee_.id, inner_.id}));
}

TEST_F(CallStacksTest, TheKernelBeginsAfreshAndTheProgramGoesOn) {
    stacks_.run(main_);
    stacks_.call(kUserStack);
    stacks_.run(callee_);
    EXPECT_EQ(chain(stacks_.run(entry_)), Ids{});
    stacks_.call(kKernelStack - 8);
    EXPECT_EQ(chain(stacks_.run(handler_)), Ids{handler_.id});
    // The kernel leaves without returning: its frame is gone at the next entry.
    EXPECT_EQ(chain(stacks_.run(callee_)), Ids{callee_.id});
    stacks_.run(entry_);
    stacks_.call(kKernelStack - 8);
    EXPECT_EQ(chain(stacks_.run(handler_)), Ids{handler_.id});
}

}  // namespace
}  // namespace shoal::sim
