// The short ways of mprotect and brk: when they are taken, and that they come to the same as the general ways.
#include <gtest/gtest.h>

#include <random>

#include "servers/vm/calls/short_ways.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class ShortChanges : public ::testing::Test {
  protected:
    static constexpr uint64_t kReadWrite = kProtectRead | kProtectWrite;

    void TearDown() override { EXPECT_EQ(vm.audit(), 0u); }

    Space& space() { return *vm.processes().find(process); }
    Leaf& leaf(VirtualAddress at) { return *space().leaves.find(at); }
    void touch(VirtualAddress at, uint64_t pages, CpuId cpu = kCpu0) {
        for (uint64_t page = 0; page < pages; ++page) ASSERT_EQ(vm.write(cpu, process, at + page * kPageSize, page + 1), Error::None);
    }
    // As the worker's loop and the kernel's answer would. Whether it was the short way.
    template <typename Way>
    bool shortly(Way way) {
        std::lock_guard turn(vm.machine.turn(kCpu0));
        WorkerContext worker = vm.context(kCpu0);
        PartnerTlb tlb = PartnerTlb::Keep;
        const bool done = way(worker, tlb);
        flushed = tlb == PartnerTlb::Flush;
        if (flushed) vm.machine.flush_local(process);
        return done;
    }

    Harness vm{{.cpus = 2}};
    const ProcessId process = vm.create(kCpu0);
    bool flushed = false;
};

class ShortProtect : public ShortChanges {
  protected:
    bool protect(VirtualAddress start, uint64_t pages, uint64_t protection) {
        return shortly([&](WorkerContext& worker, PartnerTlb& tlb) {
            return protect_shortly(worker, space(), {start, pages * kPageSize, protection}, tlb);
        });
    }
    size_t regions() { return space().find_segment(at)->regions().size(); }

    const VirtualAddress at = vm.mmap(kCpu0, process, 4 * kPageSize).release();
};

TEST_F(ShortProtect, APartBecomesARegionAndOneWithItsNeighboursAgain) {
    touch(at, 4);
    const size_t before = regions();
    EXPECT_TRUE(protect(at + kPageSize, 2, kProtectRead));
    EXPECT_TRUE(flushed);
    EXPECT_EQ(regions(), before + 2);
    EXPECT_EQ(vm.write(kCpu0, process, at + kPageSize, 9), Error::AccessDenied);
    EXPECT_EQ(vm.write(kCpu0, process, at, 9), Error::None);
    EXPECT_TRUE(protect(at + kPageSize, 1, kReadWrite));
    EXPECT_FALSE(flushed) << "nothing has lost a right";
    EXPECT_EQ(regions(), before + 1 + 1);
    EXPECT_TRUE(protect(at + 2 * kPageSize, 1, kReadWrite));
    EXPECT_EQ(regions(), before);
    EXPECT_EQ(vm.read(kCpu0, process, at + kPageSize).release(), 2u);
    touch(at, 4);
}

TEST_F(ShortProtect, WhatIsNotResidentHasTheAccessToo) {
    touch(at, 1);
    EXPECT_TRUE(protect(at, 4, kProtectRead));
    EXPECT_EQ(vm.write(kCpu0, process, at + 3 * kPageSize, 1), Error::AccessDenied);
    EXPECT_EQ(vm.read(kCpu0, process, at + 3 * kPageSize).release(), 0u);
    EXPECT_TRUE(protect(at, 4, 0));
    EXPECT_EQ(vm.read(kCpu0, process, at).error(), Error::AccessDenied);
    EXPECT_TRUE(protect(at, 4, kReadWrite));
    EXPECT_EQ(vm.read(kCpu0, process, at).release(), 1u);
}

TEST_F(ShortProtect, ACopyOnWriteIsNotWrittenThroughIt) {
    touch(at, 4);
    const ProcessId copy = vm.create(kCpu1);
    ASSERT_EQ(vm.call(kCpu0, process, VmCall::Fork, {{0, process.raw(), copy.raw()}}).outcome(), Error::None);
    EXPECT_TRUE(protect(at, 4, kProtectRead));
    EXPECT_TRUE(protect(at, 4, kReadWrite));
    ASSERT_EQ(vm.write(kCpu0, process, at, 50), Error::None);
    EXPECT_EQ(vm.read(kCpu1, copy, at).release(), 1u);
    EXPECT_EQ(vm.exit(kCpu1, copy), Error::None);
}

TEST_F(ShortProtect, OtherCasesAreLeftToTheGeneralWay) {
    EXPECT_FALSE(protect(at, 1, kProtectRead)) << "no leaf yet";
    touch(at, 4);
    EXPECT_FALSE(protect(at + 1, 1, kProtectRead)) << "unaligned";
    EXPECT_FALSE(protect(at, 0, kProtectRead)) << "no bytes";
    EXPECT_FALSE(protect(at, 5, kProtectRead)) << "not mapped throughout";
    EXPECT_FALSE(protect(at, ~uint64_t{0} / kPageSize, kProtectRead)) << "beyond the leaf";
    EXPECT_FALSE(protect(at, 1, kProtectWrite | kProtectExecute)) << "write and execute";
    EXPECT_TRUE(protect(at, 1, kProtectRead));
    EXPECT_FALSE(protect(at, 2, kReadWrite)) << "two regions";
    ASSERT_EQ(vm.read(kCpu1, process, at).release(), 1u);
    EXPECT_FALSE(protect(at, 1, 0)) << "another CPU has to flush";
    EXPECT_EQ(vm.mprotect(kCpu0, process, at, kPageSize, 0), Error::None);
    EXPECT_EQ(vm.read(kCpu1, process, at).error(), Error::AccessDenied);
}

TEST_F(ShortProtect, RegionsAreToBePaidFor) {
    touch(at, 4);
    LockContext& locks = vm.arena().worker(0).locks;
    uint64_t taken = 0;
    while (space().quota.charge(locks, vm.arena().worker(0).slabs, PageCount{1}).ok()) ++taken;
    bool refused = false;
    for (unsigned map = 0; map < 200 && !refused; ++map) {
        const Result<VirtualAddress> more = vm.mmap(kCpu0, process, kPageSize, map % 2 == 0 ? kProtectRead : kReadWrite);
        refused = !more.ok();
    }
    ASSERT_TRUE(refused);
    const size_t before = regions();
    EXPECT_FALSE(protect(at + kPageSize, 1, kProtectRead));
    EXPECT_EQ(regions(), before);
    EXPECT_EQ(vm.write(kCpu0, process, at + kPageSize, 1), Error::None);
    space().quota.refund(locks, PageCount{taken});
}

class ShortBreak : public ShortChanges {
  protected:
    void SetUp() override { space().heap_start = space().heap_end = start; }
    bool move(VirtualAddress end) {
        return shortly([&](WorkerContext& worker, PartnerTlb& tlb) { return move_break_shortly(worker, space(), end, tlb); });
    }
    Error brk(VirtualAddress end) { return vm.call(kCpu0, process, VmCall::Brk, {{0, end.raw()}}).outcome(); }

    const VirtualAddress start{uint64_t{1} << 28};
};

TEST_F(ShortBreak, UpAndDownByPages) {
    EXPECT_FALSE(move(start + 5)) << "no leaf yet";
    ASSERT_EQ(brk(start + 5), Error::None);
    touch(start, 1);
    EXPECT_FALSE(move(start + 6)) << "within the page";
    EXPECT_TRUE(move(start + 3 * kPageSize));
    touch(start, 3);
    EXPECT_EQ(vm.write(kCpu0, process, start + 3 * kPageSize, 1), Error::BadAddress);
    EXPECT_TRUE(move(start + kPageSize));
    EXPECT_TRUE(flushed);
    EXPECT_EQ(vm.read(kCpu0, process, start + kPageSize).error(), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu0, process, start).release(), 1u);
    EXPECT_TRUE(move(start + 2 * kPageSize));
    EXPECT_EQ(vm.read(kCpu0, process, start + kPageSize).release(), 0u) << "a new page is empty";
    EXPECT_EQ(vm.usage(kCpu0, process).resident_pages, 2u);
}

TEST_F(ShortBreak, TheHeapMayEndAndBeginAgain) {
    ASSERT_EQ(brk(start + 2 * kPageSize), Error::None);
    touch(start, 2);
    EXPECT_TRUE(move(start));
    EXPECT_EQ(vm.read(kCpu0, process, start).error(), Error::BadAddress);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_TRUE(move(start + 2 * kPageSize));
    EXPECT_EQ(vm.read(kCpu0, process, start).release(), 0u);
}

TEST_F(ShortBreak, WithoutAnImageThereIsNoHeap) {
    space().heap_start = space().heap_end = VirtualAddress{0};
    constexpr auto kFixed = kMapAnonymous | kMapPrivate | kMapFixed;
    ASSERT_TRUE(vm.mmap(kCpu0, process, kPageSize, kReadWrite, kFixed, VirtualAddress{0x10000}).ok());
    touch(VirtualAddress{0x10000}, 1);
    EXPECT_EQ(brk(VirtualAddress{0x5000}), Error::NoMemory);
    EXPECT_EQ(vm.read(kCpu0, process, VirtualAddress{0}).error(), Error::BadAddress);
}

TEST_F(ShortBreak, OtherCasesAreLeftToTheGeneralWay) {
    ASSERT_EQ(brk(start + 4 * kPageSize), Error::None);
    touch(start, 3);
    EXPECT_FALSE(move(start + kPageSize)) << "the last page is not resident";
    touch(start, 4);
    EXPECT_FALSE(move(start - kPageSize)) << "below the heap";
    EXPECT_FALSE(move(start + kLeafSize + kPageSize)) << "into another leaf";
    constexpr auto kFixed = kMapAnonymous | kMapPrivate | kMapFixed;
    ASSERT_TRUE(vm.mmap(kCpu0, process, kPageSize, kReadWrite, kFixed, start + 6 * kPageSize).ok());
    EXPECT_FALSE(move(start + 7 * kPageSize)) << "something is in the way";
    EXPECT_TRUE(move(start + 6 * kPageSize));
    ASSERT_EQ(vm.read(kCpu1, process, start).release(), 1u);
    EXPECT_FALSE(move(start + kPageSize)) << "another CPU has to flush";
    EXPECT_EQ(brk(start + kPageSize), Error::None);
    EXPECT_EQ(vm.read(kCpu1, process, start + kPageSize).error(), Error::BadAddress);
}

TEST_F(ShortBreak, ACopysHeapKeepsWhatItsSourceGivesUp) {
    ASSERT_EQ(brk(start + 2 * kPageSize), Error::None);
    touch(start, 2);
    const ProcessId copy = vm.create(kCpu1);
    ASSERT_EQ(vm.call(kCpu0, process, VmCall::Fork, {{0, process.raw(), copy.raw()}}).outcome(), Error::None);
    EXPECT_FALSE(move(start + kPageSize)) << "the page is not the heap's alone";
    ASSERT_EQ(brk(start + kPageSize), Error::None);
    EXPECT_EQ(vm.read(kCpu1, copy, start + kPageSize).release(), 2u);
    EXPECT_EQ(vm.exit(kCpu1, copy), Error::None);
}

// Many small changes of one leaf, each of which one way or the other may take, against what they come to.
TEST_F(ShortBreak, ComeToTheSameAsAModel) {
    constexpr uint64_t kPages = 12;
    const unsigned seed = 20261128;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    uint64_t heap = 0;
    std::vector<uint64_t> protection(kPages, kReadWrite), contents(kPages, 0);
    const auto page = [&](uint64_t index) { return start + index * kPageSize; };
    for (unsigned round = 0; round < 30000; ++round) {
        const CpuId cpu = random() % 500 == 0 ? kCpu1 : kCpu0;
        if (random() % 3 == 0) {
            const uint64_t wanted = random() % (kPages + 1);
            ASSERT_EQ(brk(page(wanted)), Error::None);
            for (uint64_t i = heap; i < wanted; ++i) protection[i] = kReadWrite, contents[i] = 0;
            heap = wanted;
        } else if (heap > 0 && random() % 2 == 0) {
            const uint64_t first = random() % heap, count = 1 + random() % (heap - first);
            const uint64_t wanted = random() % 2 == 0 ? kProtectRead : kReadWrite;
            ASSERT_EQ(vm.mprotect(kCpu0, process, page(first), count * kPageSize, wanted), Error::None);
            for (uint64_t i = first; i < first + count; ++i) protection[i] = wanted;
        } else if (heap > 0) {
            const uint64_t i = random() % heap;
            ASSERT_EQ(vm.read(cpu, process, page(i)).release(), contents[i]);
            const bool writable = protection[i] == kReadWrite;
            ASSERT_EQ(vm.write(cpu, process, page(i), round), writable ? Error::None : Error::AccessDenied);
            if (writable) contents[i] = round;
        }
        if (round % 4096 == 0) {
            ASSERT_EQ(vm.audit(), 0u);
        }
    }
}

}  // namespace
}  // namespace shoal::vm::test
