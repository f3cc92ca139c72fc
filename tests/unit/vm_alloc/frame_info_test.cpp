#include "servers/vm/frames/frame_info.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace shoal::vm {
namespace {

TEST(FrameInfo, ExclusiveUntilShared) {
    FrameInfo info;
    int owner = 0;
    info.claim(FrameKind::Anonymous, &owner);
    EXPECT_TRUE(info.exclusive());
    info.share();
    EXPECT_FALSE(info.exclusive());
    EXPECT_EQ(info.release(), Released::Shared);
    EXPECT_TRUE(info.exclusive());
    EXPECT_EQ(info.release(), Released::Last);
    EXPECT_EQ(info.references(), 0u);
}

TEST(FrameInfo, NobodyRevivesADeadFrame) {
    FrameInfo info;
    EXPECT_FALSE(info.try_share());
    info.claim(FrameKind::Anonymous, nullptr);
    EXPECT_TRUE(info.try_share());
    EXPECT_EQ(info.references(), 2u);
}

// Of many that drop a reference at once exactly one is the last, and it sees what the others wrote.
TEST(FrameInfo, ExactlyOneReleaseIsTheLast) {
    constexpr int kThreads = 4, kRounds = 2000;
    for (int round = 0; round < kRounds / 20; ++round) {
        FrameInfo info;
        int written[kThreads] = {};
        info.claim(FrameKind::Anonymous, nullptr);
        for (int i = 1; i < kThreads; ++i) info.share();
        std::atomic<int> last{0};
        std::vector<std::thread> threads;
        for (int id = 0; id < kThreads; ++id) {
            threads.emplace_back([&, id] {
                written[id] = 1;
                if (info.release() != Released::Last) return;
                last.fetch_add(1);
                for (int value : written) EXPECT_EQ(value, 1);
            });
        }
        for (auto& thread : threads) thread.join();
        ASSERT_EQ(last.load(), 1);
    }
}

}  // namespace
}  // namespace shoal::vm
