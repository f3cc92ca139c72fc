// Which locks of joint mappings are taken together, and processes that share one.
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

TEST(JointShards, ASetAscendsAndHasEachOnce) {
    ShardSet set, part;
    for (const unsigned shard : {9u, 3u, 255u, 3u, 0u, 9u, 7u, 100u, 4u, 0u}) set.add(shard);
    EXPECT_EQ(std::vector<uint16_t>(set.begin(), set.end()), (std::vector<uint16_t>{0, 3, 4, 7, 9, 100, 255}));
    EXPECT_TRUE(set.has(100) && set.has_all(part));
    part.add(255);
    EXPECT_TRUE(set.has_all(part) && !part.has_all(set));
    part.add(8);
    EXPECT_FALSE(set.has(8) || set.has_all(part));
}

// Both sides and the granters have one lock then; what they are called keeps their mappings apart.
TEST(JointShards, ProcessesOfOneShardMapEachOthersMemory) {
    constexpr VirtualAddress kAt{0x4000'0000};
    constexpr uint32_t kGrant = 3;
    Harness vm{{.slots = 2 * JointShards::kShards + 64}};
    std::vector<ProcessId> in_shard;
    const unsigned shard = JointShards::number_of(vm.create(kCpu0));
    while (in_shard.size() < 2) {
        const ProcessId process = vm.create(kCpu0);
        if (JointShards::number_of(process) == shard) in_shard.push_back(process);
    }
    const ProcessId source = in_shard[0], partner = in_shard[1];
    JointMappings& mappings = vm.processes().joint_mappings();
    const auto joined = [&](ProcessId process) {
        WorkerContext worker = vm.context(kCpu0);
        return mappings.concern(worker.locks(), process);
    };
    for (const ProcessId process : in_shard)
        ASSERT_TRUE(vm.mmap(kCpu0, process, kPageSize, kProtectRead | kProtectWrite, kMapPrivate | kMapAnonymous | kMapFixed, kAt).ok());
    Harness::MapWish wish{source, kAt, kAt, kPageSize, MapMode::SharedWritable, {}};
    wish.path = {{{partner, kGrant}, {source, kGrant}}, 2};
    for (const ProcessId granter : in_shard) {
        ASSERT_EQ(vm.map_memory(kCpu1, partner, wish), Error::None);
        EXPECT_EQ(vm.map_memory(kCpu1, partner, wish), Error::Exists);
        EXPECT_TRUE(joined(source) && joined(partner));
        ASSERT_EQ(vm.revoke(kCpu0, granter, kGrant), Error::None);
        EXPECT_FALSE(joined(source) || joined(partner));
    }
    ASSERT_EQ(vm.map_memory(kCpu1, partner, wish), Error::None);
    ASSERT_EQ(vm.exit(kCpu0, source), Error::None);
    EXPECT_TRUE(joined(partner));
    ASSERT_EQ(vm.exit(kCpu0, partner), Error::None);
    EXPECT_FALSE(joined(source) || joined(partner));
    EXPECT_EQ(vm.audit(), 0u);
}

}  // namespace
}  // namespace shoal::vm::test
