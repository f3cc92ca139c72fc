// The page cache, as file servers use it: blocks of a device that outlive their mappings, until they are forgotten or memory ends.
#include <gtest/gtest.h>

#include "abi/message.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class Cache : public ::testing::Test {
  protected:
    static constexpr uint64_t kDevice = 0x803, kInode = 77;

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        for (const ProcessId process : {server, other}) EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
        const ProcessId last = vm.create(kCpu0);
        for (const uint64_t device : {kDevice, kDevice + 1}) EXPECT_EQ(clear(last, device), Error::None);
        EXPECT_EQ(vm.exit(kCpu0, last), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
        EXPECT_EQ(cached(), 0u);
    }
    struct Block {
        uint64_t number;
        uint64_t inode = 0, page = 0;
        uint64_t device = kDevice;
    };
    Error set(ProcessId process, VirtualAddress at, const Block& b, uint64_t pages = 1, uint64_t flags = 0, uint64_t allowed = kVmCallAllowed) {
        const Message arguments{{0, at.raw(), b.device, b.number * kPageSize, b.inode, b.page * kPageSize, pages | flags << 32}};
        return vm.call(kCpu0, process, VmCall::Setcachepage, arguments, allowed).outcome();
    }
    Message ask_map(ProcessId process, const Block& b, uint64_t pages = 1) {
        return vm.call(kCpu1, process, VmCall::Mapcachepage, {{0, b.device, b.number * kPageSize, b.inode, b.page * kPageSize, pages}});
    }
    VirtualAddress map(ProcessId process, const Block& b, uint64_t pages = 1) {
        const Message answer = ask_map(process, b, pages);
        EXPECT_EQ(answer.outcome(), Error::None);
        return VirtualAddress{answer.words[1]};
    }
    Error forget(ProcessId process, uint64_t number, uint64_t pages = 1, uint64_t device = kDevice) {
        return vm.call(kCpu0, process, VmCall::Forgetcachepage, {{0, device, number * kPageSize, pages}}).outcome();
    }
    Error clear(ProcessId process, uint64_t device) { return vm.call(kCpu1, process, VmCall::Clearcache, {{0, device}}).outcome(); }
    // Memory with a word in each page.
    VirtualAddress filled(ProcessId process, uint64_t pages, uint64_t value) {
        const VirtualAddress a = vm.mmap(kCpu0, process, pages * kPageSize).release();
        for (uint64_t i = 0; i < pages; ++i) EXPECT_EQ(vm.write(kCpu0, process, a + i * kPageSize, value + i), Error::None);
        return a;
    }
    [[nodiscard]] bool holds(ProcessId process, VirtualAddress at, uint64_t pages, uint64_t value) {
        for (uint64_t i = 0; i < pages; ++i) {
            const Result<uint64_t> seen = vm.read(kCpu1, process, at + i * kPageSize);
            if (!seen.ok() || seen.value() != value + i) return false;
        }
        return true;
    }
    uint64_t cached() {
        uint64_t pages = 0;
        for (const CpuId cpu : {kCpu0, kCpu1}) {
            const ProcessShard& shard = vm.processes().shard(cpu);
            pages += shard.pages_cached.value() - shard.pages_uncached.value();
        }
        return pages;
    }

    Harness vm{{.cpus = 2}};
    const ProcessId server = vm.create(kCpu0), other = vm.create(kCpu1);
};

TEST_F(Cache, WhatIsSetCanBeMapped) {
    const VirtualAddress a = filled(server, 20, 100);
    ASSERT_EQ(set(server, a, {7}, 20), Error::None);
    const VirtualAddress b = map(server, {7}, 20), c = map(other, {10}, 5);
    EXPECT_TRUE(holds(server, b, 20, 100));
    EXPECT_TRUE(holds(other, c, 5, 103));
    EXPECT_EQ(vm.write(kCpu1, other, c, 5), Error::None);
    EXPECT_EQ(vm.read(kCpu0, server, a + 3 * kPageSize).release(), 5u) << "one page, wherever it is mapped";
    EXPECT_EQ(vm.write(kCpu0, server, a + 4 * kPageSize, 6), Error::None);
    EXPECT_EQ(vm.read(kCpu1, server, b + 4 * kPageSize).release(), 6u);
}

TEST_F(Cache, OutlivesMappingsAndProcesses) {
    const VirtualAddress a = filled(server, 40, 1);
    ASSERT_EQ(set(server, a, {1000}, 40), Error::None);
    ASSERT_EQ(vm.munmap(kCpu0, server, a, 40 * kPageSize), Error::None);
    EXPECT_TRUE(holds(other, map(other, {1000}, 40), 40, 1));
    EXPECT_EQ(vm.exit(kCpu0, other), Error::None);
    const ProcessId third = vm.create(kCpu0);
    EXPECT_TRUE(holds(third, map(third, {1039}), 1, 40));
    EXPECT_EQ(vm.exit(kCpu0, third), Error::None);
    EXPECT_EQ(cached(), 40u);
    const_cast<ProcessId&>(other) = vm.create(kCpu1);
}

TEST_F(Cache, IsForgottenPageByPageOrAtOnce) {
    const VirtualAddress a = filled(server, 200, 1);
    ASSERT_EQ(set(server, a, {50}, 200), Error::None);
    EXPECT_EQ(forget(server, 60, 2), Error::None);
    EXPECT_EQ(ask_map(server, {59}, 2).outcome(), Error::NoEntry);
    EXPECT_EQ(ask_map(server, {61}).outcome(), Error::NoEntry);
    EXPECT_TRUE(holds(other, map(other, {62}, 100), 100, 13));
    EXPECT_TRUE(holds(server, a, 200, 1)) << "who has it mapped keeps it";
    EXPECT_EQ(forget(server, 0, 1 << 20), Error::None);
    EXPECT_EQ(forget(server, 0, 1 << 20), Error::None) << "what is missing is fine";
    EXPECT_EQ(cached(), 0u);
    ASSERT_EQ(set(server, a, {5000}, 10), Error::None) << "nobody else has these";
    EXPECT_EQ(set(server, a + 100 * kPageSize, {6000}), Error::Invalid) << "the other server has it mapped";
}

TEST_F(Cache, AMappedPageIsNotSetElsewhere) {
    const VirtualAddress a = filled(server, 3, 1);
    ASSERT_EQ(set(server, a, {5}, 3), Error::None);
    EXPECT_EQ(set(server, a, {9}), Error::Invalid);
    const VirtualAddress b = map(other, {6});
    EXPECT_EQ(forget(server, 6), Error::None);
    EXPECT_EQ(set(server, a + kPageSize, {9}), Error::Invalid) << "the other server has it, too";
    EXPECT_EQ(vm.munmap(kCpu1, other, b, kPageSize), Error::None);
    EXPECT_EQ(set(server, a + kPageSize, {9}), Error::None);
}

TEST_F(Cache, ANewPageTakesTheOldOnesPlace) {
    const VirtualAddress a = filled(server, 4, 10), b = filled(server, 4, 20);
    ASSERT_EQ(set(server, a, {3, kInode, 0}, 4), Error::None);
    ASSERT_EQ(set(server, b, {3, kInode, 0}, 4), Error::None);
    EXPECT_TRUE(holds(other, map(other, {3}, 4), 4, 20));
    EXPECT_TRUE(holds(server, a, 4, 10));
    EXPECT_EQ(cached(), 4u);
    ASSERT_EQ(set(server, a, {3, kInode, 0}), Error::None) << "and back";
    EXPECT_TRUE(holds(other, map(other, {3}), 1, 10));
}

TEST_F(Cache, APageIsInOneFileAtATime) {
    const VirtualAddress a = filled(server, 6, 10);
    ASSERT_EQ(set(server, a, {3}, 6), Error::None);
    ASSERT_EQ(set(server, a, {3, kInode, 40}, 6), Error::None) << "only told of its file";
    ASSERT_EQ(set(server, a, {3, kInode, 40}, 6), Error::None);
    ASSERT_EQ(set(server, a + kPageSize, {4, kInode, 40}), Error::None) << "in the place of another block of the file";
    EXPECT_EQ(vm.audit(), 0u);
    (void)map(other, {3, kInode + 1, 0}, 2);
    (void)map(other, {5, kInode + 1, 1}, 2);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_TRUE(holds(other, map(other, {3}, 6), 6, 10)) << "as blocks all are there";
    EXPECT_EQ(cached(), 6u);
}

TEST_F(Cache, WhatIsForOneUseCannotBeMapped) {
    const VirtualAddress a = filled(server, 2, 10);
    ASSERT_EQ(set(server, a, {3}, 2, kCacheOnce), Error::None);
    EXPECT_EQ(ask_map(server, {3}).outcome(), Error::NoEntry);
    ASSERT_EQ(set(server, a, {3}), Error::None) << "set anew, for good";
    EXPECT_TRUE(holds(other, map(other, {3}), 1, 10));
    EXPECT_EQ(ask_map(server, {4}).outcome(), Error::NoEntry);
}

TEST_F(Cache, ForksShareWhatIsCached) {
    const VirtualAddress a = filled(server, 4, 10);
    ASSERT_EQ(set(server, a, {3}, 2), Error::None);
    const VirtualAddress b = map(server, {3}, 2);
    const ProcessId child = vm.create(kCpu1);
    ASSERT_EQ(vm.call(kCpu0, server, VmCall::Fork, {{0, server.raw(), child.raw()}}).outcome(), Error::None);
    EXPECT_EQ(vm.write(kCpu1, child, b, 99), Error::None);
    EXPECT_EQ(vm.write(kCpu1, child, a + 3 * kPageSize, 99), Error::None);
    EXPECT_EQ(vm.read(kCpu0, server, a).release(), 99u);
    EXPECT_EQ(vm.read(kCpu0, server, a + 3 * kPageSize).release(), 13u) << "what is not cached is the server's own";
    EXPECT_EQ(set(server, a + 2 * kPageSize, {8}), Error::BadAddress) << "the copy has it, too";
    EXPECT_EQ(vm.exit(kCpu1, child), Error::None);
    EXPECT_EQ(set(server, a + 2 * kPageSize, {8}), Error::None);
}

TEST_F(Cache, GivesWayWhereMemoryEnds) {
    constexpr uint64_t kPart = 256;
    uint64_t set_pages = 0;
    for (; set_pages < 8192; set_pages += kPart) {
        const VirtualAddress a = filled(server, kPart, set_pages);
        ASSERT_EQ(set(server, a, {set_pages, kInode, set_pages}, kPart), Error::None);
        ASSERT_EQ(vm.munmap(kCpu0, server, a, kPart * kPageSize), Error::None);
    }
    const VirtualAddress kept = map(other, {100}, 10);
    const uint64_t wanted = (uint64_t{64} << 20 >> kPageShift) - 4096;
    const VirtualAddress big = vm.mmap(kCpu0, server, wanted * kPageSize).release();
    for (uint64_t i = 0; i < wanted; ++i) ASSERT_EQ(vm.write(kCpu0, server, big + i * kPageSize, i), Error::None) << i;
    EXPECT_LT(cached(), set_pages);
    EXPECT_TRUE(holds(other, kept, 10, 100)) << "what is mapped stays";
    EXPECT_EQ(ask_map(other, {100}, 10).outcome(), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.munmap(kCpu0, server, big, wanted * kPageSize), Error::None);
}

// Until nothing else is left to be given up.
TEST_F(Cache, WhatIsMappedIsNotGivenUp) {
    constexpr uint64_t kSet = 1024, kMapped = 10;
    const VirtualAddress a = filled(server, kSet, 0);
    for (uint64_t part = 0; part < kSet; part += 256) ASSERT_EQ(set(server, a + part * kPageSize, {part}, 256), Error::None);
    ASSERT_EQ(vm.munmap(kCpu0, server, a, kSet * kPageSize), Error::None);
    const VirtualAddress kept = map(other, {100}, kMapped);
    const VirtualAddress all = vm.mmap(kCpu0, server, uint64_t{64} << 20).release();
    for (VirtualAddress at = all; vm.write(kCpu0, server, at, 1) == Error::None;) at = at + kPageSize;
    EXPECT_EQ(cached(), kMapped);
    EXPECT_TRUE(holds(other, kept, kMapped, 100));
    EXPECT_EQ(vm.munmap(kCpu0, server, all, uint64_t{64} << 20), Error::None);
    EXPECT_EQ(ask_map(other, {100}, kMapped).outcome(), Error::None);
}

// One request for more than a round gives: it has as many rounds as the cache can serve.
TEST_F(Cache, GivesWayToLongRequests) {
    constexpr uint64_t kPart = 256, kWanted = 6000;
    for (uint64_t set_pages = 0; set_pages < 14'000; set_pages += kPart) {
        const VirtualAddress a = filled(server, kPart, set_pages);
        ASSERT_EQ(set(server, a, {set_pages}, kPart), Error::None);
        ASSERT_EQ(vm.munmap(kCpu0, server, a, kPart * kPageSize), Error::None);
    }
    const VirtualAddress big = vm.mmap(kCpu0, other, kWanted * kPageSize).release();
    const Message touch{{0, other.raw(), kProcessTouch, big.raw(), kWanted * kPageSize, kFaultWrite}};
    EXPECT_EQ(vm.call(kCpu0, server, VmCall::Procctl, touch).outcome(), Error::None);
    EXPECT_EQ(vm.usage(kCpu1, other).resident_pages, kWanted);
    EXPECT_LT(cached(), 14'000 - kWanted / 2);
}

TEST_F(Cache, SaysWhatIsWrong) {
    const VirtualAddress a = filled(server, 4, 1), untouched = vm.mmap(kCpu0, server, kPageSize).release();
    const VirtualAddress shared = vm.mmap(kCpu0, server, kPageSize, kProtectRead | kProtectWrite, kMapShared | kMapAnonymous).release();
    ASSERT_EQ(vm.write(kCpu0, server, shared, 1), Error::None);
    EXPECT_EQ(set(server, a, {1}, 0), Error::Invalid);
    EXPECT_EQ(set(server, a, {1}, kMostCachePages + 1), Error::Invalid);
    EXPECT_EQ(set(server, a, {1, 0, 0, 0}), Error::Invalid) << "device 0";
    EXPECT_EQ(set(server, a, {1}, 1, 8), Error::Invalid);
    EXPECT_EQ(set(server, a + 8, {1}), Error::BadAddress);
    EXPECT_EQ(set(server, VirtualAddress{kUserTop - kPageSize}, {1}, 2), Error::BadAddress);
    EXPECT_EQ(set(server, untouched, {1}), Error::BadAddress) << "no page there";
    EXPECT_EQ(set(server, untouched + 64 * kLeafSize, {1}), Error::BadAddress);
    EXPECT_EQ(set(server, shared, {1}), Error::BadAddress) << "somebody else's";
    constexpr uint64_t kNeighbours = kMapPrivate | kMapAnonymous | kMapPopulate | kMapContiguous;
    const VirtualAddress pinned = vm.mmap(kCpu0, server, kPageSize, kProtectRead | kProtectWrite, kNeighbours).release();
    EXPECT_EQ(set(server, pinned, {1}), Error::BadAddress) << "a device may know it";
    const uint64_t registers = Machine::kDevice.first.address().raw();
    const Message mapped = vm.call(kCpu0, server, VmCall::MapPhys, {{0, 0, registers, kPageSize, kProtectRead | kProtectWrite}});
    ASSERT_EQ(vm.write(kCpu0, server, VirtualAddress{mapped.words[1]}, 1), Error::None);
    EXPECT_EQ(set(server, VirtualAddress{mapped.words[1]}, {1}), Error::BadAddress) << "no memory at all";
    EXPECT_EQ(set(server, a, {1}, 1, 0, 0), Error::CallDenied);
    EXPECT_EQ(set(server, a, {2}, 5), Error::BadAddress);
    EXPECT_TRUE(holds(server, map(server, {2}, 4), 4, 1)) << "those before it are cached";
    const auto odd = [&](VmCall call, const Message& message) { return vm.call(kCpu0, server, call, message).outcome(); };
    EXPECT_EQ(odd(VmCall::Setcachepage, {{0, a.raw(), kDevice, 5, 0, 0, 1}}), Error::BadAddress);
    EXPECT_EQ(odd(VmCall::Setcachepage, {{0, a.raw(), kDevice, 0, kInode, 5, 1}}), Error::BadAddress);
    EXPECT_EQ(odd(VmCall::Setcachepage, {{0, a.raw(), kDevice, ~uint64_t{0} << kPageShift, 0, 0, 2}}), Error::Invalid);
    EXPECT_EQ(odd(VmCall::Mapcachepage, {{0, kDevice, 5, 0, 0, 1}}), Error::BadAddress);
    EXPECT_EQ(odd(VmCall::Mapcachepage, {{0, kDevice, 0, 0, 0, 0}}), Error::Invalid);
    EXPECT_EQ(odd(VmCall::Mapcachepage, {{0, 0, 0, 0, 0, 1}}), Error::Invalid);
    EXPECT_EQ(odd(VmCall::Mapcachepage, {{0, kDevice + 9, 0, 0, 0, 1}}), Error::NoEntry);
    EXPECT_EQ(odd(VmCall::Forgetcachepage, {{0, kDevice, 5, 1}}), Error::BadAddress);
    EXPECT_EQ(odd(VmCall::Forgetcachepage, {{0, kDevice, 0, (1 << 20) + 1}}), Error::Invalid);
    EXPECT_EQ(odd(VmCall::Forgetcachepage, {{0, 0, 0, 1}}), Error::Invalid);
    EXPECT_EQ(odd(VmCall::Clearcache, {{0, 0}}), Error::Invalid);
    for (const VmCall call : {VmCall::Mapcachepage, VmCall::Forgetcachepage, VmCall::Clearcache})
        EXPECT_EQ(vm.call(kCpu0, server, call, {{0, kDevice, 0, 0, 0, 1}}, 0).outcome(), Error::CallDenied);
}

TEST_F(Cache, MapsNeedQuota) {
    const VirtualAddress a = filled(server, 256, 1);
    ASSERT_EQ(set(server, a, {0}, 256), Error::None);
    const ProcessId poor = vm.create(kCpu0, 100);
    EXPECT_EQ(ask_map(poor, {0}, 256).outcome(), Error::NoMemory);
    EXPECT_TRUE(holds(poor, map(poor, {0}, 50), 50, 1));
    EXPECT_EQ(vm.exit(kCpu0, poor), Error::None);
}

}  // namespace
}  // namespace shoal::vm::test
