// Cycles of waiting threads: reported to at least one member, and only if they exist.
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

// A ring of n threads over that many CPUs, thread i on CPU i modulo CPUs.
struct Shape {
    uint32_t threads, cpus;
};

class Cycles : public ::testing::TestWithParam<Shape> {
  protected:
    Cycles() {
        for (uint32_t i = 0; i < GetParam().threads; ++i)
            ring.push_back(machine.spawn(CpuId::from(i % GetParam().cpus)));
    }
    Endpoint after(size_t i) const { return ring[(i + 1) % ring.size()]; }
    FakeMachine machine{GetParam().cpus};
    std::vector<Endpoint> ring;
};

TEST_P(Cycles, OfSendersAreReported) {
    for (size_t i = 0; i + 1 < ring.size(); ++i) EXPECT_EQ(machine.trap(ring[i], Trap::Send, after(i)), Error::DoNotReply);
    EXPECT_EQ(machine.trap(ring.back(), Trap::Send, ring[0]), Error::Locked);
    // The one that was told is free to serve the others.
    EXPECT_EQ(machine.trap(ring.back(), Trap::Receive, kNone), Error::None);
}

TEST_P(Cycles, OfReceiversAreReported) {
    for (size_t i = 0; i + 1 < ring.size(); ++i)
        EXPECT_EQ(machine.trap(ring[i], Trap::Receive, kNone, after(i)), Error::DoNotReply);
    EXPECT_EQ(machine.trap(ring.back(), Trap::Receive, kNone, ring[0]), Error::Locked);
}

TEST_P(Cycles, AnOpenChainIsNone) {
    for (size_t i = 0; i + 1 < ring.size(); ++i) EXPECT_EQ(machine.trap(ring[i], Trap::SendReceive, after(i)), Error::DoNotReply);
    EXPECT_EQ(machine.trap(ring.back(), Trap::Receive, kNone), Error::None);
    for (size_t i = 0; i + 1 < ring.size(); ++i) EXPECT_TRUE(FakeMachine::waits(ring[i]));
}

TEST_P(Cycles, AMeetingIsNone) {
    EXPECT_EQ(machine.trap(ring[0], Trap::Receive, kNone, ring[1]), Error::DoNotReply);
    EXPECT_EQ(machine.trap(ring[1], Trap::Send, ring[0]), Error::None);
    EXPECT_EQ(machine.trap(ring[1], Trap::Send, ring[0]), Error::DoNotReply);
    EXPECT_EQ(machine.trap(ring[0], Trap::Receive, kNone, ring[1]), Error::None);
    EXPECT_FALSE(FakeMachine::waits(ring[1]));
}

INSTANTIATE_TEST_SUITE_P(Shapes, Cycles,
                         ::testing::Values(Shape{2, 1}, Shape{5, 1}, Shape{2, 2}, Shape{3, 2}, Shape{4, 4}, Shape{12, 4}));

}  // namespace
}  // namespace shoal::test
