// Contiguous memory: neighbouring frames that stay where they are, whatever becomes of the process' other memory.
#include <gtest/gtest.h>

#include "servers/vm/requests/dispatcher.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class Contiguous : public ::testing::Test {
  protected:
    static constexpr uint64_t kBoth = kProtectRead | kProtectWrite;
    static constexpr uint64_t kFlags = kMapPrivate | kMapAnonymous | kMapPopulate | kMapContiguous;

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
    }
    Result<VirtualAddress> map(uint64_t pages, uint64_t flags = 0, VirtualAddress address = {}) {
        return vm.mmap(kCpu0, process, pages * kPageSize, kBoth, kFlags | flags, address);
    }
    Message ask_physical(VirtualAddress address, ProcessId of = {}) {
        return vm.call(kCpu0, process, VmCall::Getphys, {{0, of.raw(), address.raw()}});
    }
    uint64_t physical(VirtualAddress address) {
        const Message answer = ask_physical(address);
        EXPECT_EQ(answer.outcome(), Error::None);
        return answer.words[1];
    }
    uint64_t frames() {
        vm.settle();
        return vm.arena().frames_in_use();
    }
    void fill(VirtualAddress at, uint64_t pages, uint64_t value) {
        for (uint64_t i = 0; i < pages; ++i) ASSERT_EQ(vm.write(kCpu0, process, at + i * kPageSize, value + i), Error::None);
    }
    void expect(ProcessId whose, VirtualAddress at, uint64_t pages, uint64_t value) {
        for (uint64_t i = 0; i < pages; ++i) ASSERT_EQ(vm.read(kCpu1, whose, at + i * kPageSize).release(), value + i);
    }

    Harness vm{{.cpus = 2}};
    const ProcessId process = vm.create(kCpu0);
};

TEST_F(Contiguous, FramesAreNeighboursAndZeroed) {
    for (const uint64_t pages : {1u, 5u, 512u, 1300u}) {
        const VirtualAddress a = map(pages).release();
        const uint64_t first = physical(a);
        for (uint64_t i = 0; i < pages; ++i) {
            ASSERT_EQ(physical(a + i * kPageSize + 8), first + i * kPageSize + 8);
            ASSERT_EQ(vm.read(kCpu1, process, a + i * kPageSize).release(), 0u);
        }
        fill(a, pages, 77);
        expect(process, a, pages, 77);
    }
}

TEST_F(Contiguous, NoFaultIsLeftToServe) {
    const VirtualAddress a = map(700).release();
    const uint64_t before = vm.usage(kCpu0, process).resident_pages;
    fill(a, 700, 1);
    EXPECT_EQ(vm.usage(kCpu0, process).resident_pages, before);
}

TEST_F(Contiguous, LimitsAndAlignmentHold) {
    const uint64_t aligned = physical(map(3, kMapAligned64K).release());
    EXPECT_EQ(aligned % (64 << 10), 0u);
    const uint64_t low = physical(map(20, kMapBelow16M | kMapAligned64K).release());
    EXPECT_EQ(low % (64 << 10), 0u);
    EXPECT_LE(low + 20 * kPageSize, uint64_t{16} << 20);
    EXPECT_EQ(map(1, kMapBelow1M).error(), Error::NoMemory) << "memory begins at 1 MiB here";
}

// The lowest 16 MiB are the last that ordinary memory takes.
TEST_F(Contiguous, OrdinaryMemoryLeavesWhatLiesLow) {
    const VirtualAddress a = vm.mmap(kCpu0, process, 6000 * kPageSize).release();
    fill(a, 6000, 1);
    EXPECT_TRUE(map(1024, kMapBelow16M).ok());
}

TEST_F(Contiguous, BadWishesAreRefused) {
    const VirtualAddress free{0x5000'0000};
    const auto wish = [&](uint64_t flags, uint64_t bytes = kPageSize) { return vm.mmap(kCpu0, process, bytes, kBoth, flags, free).error(); };
    constexpr uint64_t kPlain = kMapPrivate | kMapAnonymous;
    const uint64_t before = frames();
    EXPECT_EQ(wish(kPlain | kMapContiguous), Error::Invalid) << "not at once";
    EXPECT_EQ(wish(kPlain | kMapPopulate | kMapBelow16M), Error::Invalid) << "a limit of what?";
    EXPECT_EQ(wish(kPlain | kMapPopulate | kMapAligned64K), Error::Invalid);
    EXPECT_EQ(wish(kFlags | kMapFixed), Error::Invalid);
    EXPECT_EQ(wish(kFlags | kMapGrowsDown, 4 * kPageSize), Error::Invalid);
    EXPECT_EQ(wish(kFlags, kMostContiguousBytes + 1), Error::NoMemory);
    EXPECT_EQ(wish(kFlags, uint64_t{1} << 60), Error::NoMemory);
    EXPECT_EQ(wish(kFlags, 0), Error::Invalid);
    EXPECT_EQ(wish(kFlags | kMapBelow1M, 2 << 20), Error::NoMemory) << "there is not so much";
    const Message low{{0, 0, kPageSize, kBoth, kFlags | kMapBelow16M}};
    EXPECT_EQ(vm.call(kCpu0, process, VmCall::Mmap, low, 0).outcome(), Error::Permission) << "what lies low is for drivers";
    EXPECT_EQ(frames(), before);
}

TEST_F(Contiguous, GoesWhereItIsWanted) {
    const VirtualAddress wanted{0x5000'0000};
    EXPECT_EQ(map(3, 0, wanted).release(), wanted);
    EXPECT_NE(map(3, 0, wanted).release(), wanted) << "taken, so elsewhere";
    EXPECT_EQ(map(3, kMapFixedNoReplace, wanted + kPageSize).error(), Error::Exists);
    EXPECT_EQ(map(3, kMapFixedNoReplace, wanted + 3 * kPageSize).release(), wanted + 3 * kPageSize);
}

TEST_F(Contiguous, StaysWhenItIsNotNeeded) {
    const VirtualAddress a = map(600).release();
    const uint64_t first = physical(a);
    fill(a, 600, 5);
    EXPECT_EQ(vm.discard(kCpu0, process, a, 600 * kPageSize), Error::None);
    EXPECT_EQ(vm.mprotect(kCpu0, process, a, 600 * kPageSize, kProtectRead), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, a, 0), Error::AccessDenied);
    EXPECT_EQ(vm.mprotect(kCpu0, process, a + kPageSize, kPageSize, kBoth), Error::None);
    expect(process, a, 600, 5);
    EXPECT_EQ(physical(a + 599 * kPageSize), first + 599 * kPageSize);
}

TEST_F(Contiguous, PartsGoByUnmapping) {
    const VirtualAddress a = map(700).release();
    const uint64_t before = frames(), first = physical(a);
    EXPECT_EQ(vm.munmap(kCpu0, process, a + 100 * kPageSize, 500 * kPageSize), Error::None);
    EXPECT_EQ(physical(a + 650 * kPageSize), first + 650 * kPageSize);
    EXPECT_EQ(ask_physical(a + 300 * kPageSize).outcome(), Error::BadAddress);
    EXPECT_EQ(vm.munmap(kCpu0, process, a, 700 * kPageSize), Error::None);
    EXPECT_EQ(frames(), before - 700);
}

TEST_F(Contiguous, AForkHasTheContentsAndTheDeviceKeepsItsFrames) {
    const VirtualAddress a = map(530).release();
    const VirtualAddress b = vm.mmap(kCpu0, process, 4 * kPageSize, kBoth, kMapPrivate | kMapAnonymous, a + 530 * kPageSize).release();
    fill(a, 530, 1000);
    fill(b, 4, 9000);
    const uint64_t first = physical(a);
    const ProcessId copy = vm.create(kCpu1);
    ASSERT_EQ(vm.call(kCpu0, process, VmCall::Fork, {{0, process.raw(), copy.raw()}}).outcome(), Error::None);
    EXPECT_EQ(physical(a + 529 * kPageSize), first + 529 * kPageSize);
    fill(a, 530, 2000);
    EXPECT_EQ(physical(a), first) << "a write moves nothing";
    expect(copy, a, 530, 1000);
    expect(copy, b, 4, 9000);
    EXPECT_EQ(ask_physical(a, copy).outcome(), Error::Invalid) << "the copy's is ordinary memory";
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.exit(kCpu1, copy), Error::None);
}

TEST_F(Contiguous, SharedItStays) {
    const VirtualAddress a = map(3).release();
    const uint64_t first = physical(a);
    const ProcessId other = vm.create(kCpu1);
    ASSERT_EQ(vm.call(kCpu0, process, VmCall::Share, {{0, process.raw(), a.raw(), 3 * kPageSize, other.raw()}}).outcome(), Error::None);
    fill(a, 3, 40);
    expect(other, a, 3, 40);
    EXPECT_EQ(physical(a + 2 * kPageSize), first + 2 * kPageSize);
    EXPECT_EQ(vm.exit(kCpu1, other), Error::None);
}

TEST_F(Contiguous, PhysicalAddressesAreOfOnesOwn) {
    const VirtualAddress a = map(1).release();
    const ProcessId other = vm.create(kCpu1);
    const auto ask = [&](ProcessId of, uint64_t allowed) {
        return vm.call(kCpu0, other, VmCall::Getphys, {{0, of.raw(), a.raw()}}, allowed).outcome();
    };
    EXPECT_EQ(ask(process, 0), Error::Permission);
    EXPECT_EQ(ask(process, kVmCallAllowed), Error::None);
    EXPECT_EQ(ask(other, 0), Error::BadAddress);
    EXPECT_EQ(vm.exit(kCpu1, other), Error::None);
    EXPECT_EQ(ask_physical(a, other).outcome(), Error::NoProcess);
    EXPECT_EQ(ask_physical(VirtualAddress{kUserTop}).outcome(), Error::BadAddress);
    EXPECT_EQ(ask_physical(vm.mmap(kCpu0, process, kPageSize).release()).outcome(), Error::Invalid) << "it may move";
}

TEST_F(Contiguous, OverTheQuotaNothingChanges) {
    const ProcessId poor = vm.create(kCpu0, 700);
    const uint64_t before = frames();
    const auto wish = [&](uint64_t pages) { return vm.mmap(kCpu0, poor, pages * kPageSize, kBoth, kFlags).error(); };
    EXPECT_EQ(wish(900), Error::NoMemory);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.usage(kCpu0, poor).regions, 1u) << "the page for the answer";
    EXPECT_EQ(wish(500), Error::None) << "the quota is whole again";
    EXPECT_EQ(vm.exit(kCpu0, poor), Error::None);
    EXPECT_LE(frames(), before + 8);
}

// Step by step, on one CPU.
class ContiguousSteps : public Contiguous {
  protected:
    Action begin(WorkerContext& worker, VirtualAddress at, uint64_t pages, ProcessId whose) {
        Exchange exchange;
        exchange.message = {{0, at.raw(), pages * kPageSize, kBoth, kFlags}};
        exchange.message.words[kVmCallerWord] = whose.raw() | kVmCallAllowed;
        exchange.message.set_type(kVmCallBase + static_cast<uint32_t>(VmCall::Mmap));
        return dispatch(worker, exchange);
    }
    // The answers that come, in order, until there is nothing left to do.
    std::vector<Message> finish(WorkerContext& worker) {
        std::vector<Message> answers;
        Exchange exchange;
        for (unsigned step = 0; step < 10'000 && has_work(worker); ++step)
            if (work(worker, exchange).kind == Action::Kind::Reply) answers.push_back(exchange.message);
        return answers;
    }
};

TEST_F(ContiguousSteps, OneMapOfASpaceAtATime) {
    WorkerContext worker = vm.context(kCpu0);
    ASSERT_EQ(begin(worker, {}, 600, process).kind, Action::Kind::None);
    ASSERT_EQ(begin(worker, {}, 600, process).kind, Action::Kind::None);
    Exchange exchange;
    for (unsigned step = 0; step < 3; ++step) (void)work(worker, exchange);
    vm.settle();
    EXPECT_EQ(finish(worker).size(), 0u) << "all answered";
    EXPECT_EQ(vm.usage(kCpu0, process).resident_pages, 1200u);
}

// It fails in its second leaf, for want of quota; nobody comes to what it has mapped before that is gone again.
TEST_F(ContiguousSteps, WhatFailsIsNeverOpen) {
    const VirtualAddress at{0x5000'0000};
    const ProcessId poor = vm.create(kCpu0, 1000);
    WorkerContext worker = vm.context(kCpu0);
    ASSERT_EQ(begin(worker, at, 900, poor).kind, Action::Kind::None);
    // Meanwhile another thread has used what the call was told of.
    const VirtualAddress b = vm.mmap(kCpu1, poor, 300 * kPageSize).release();
    for (uint64_t page = 0; page < 300; ++page) (void)vm.write(kCpu1, poor, b + page * kPageSize, 1);
    vm.settle();
    EXPECT_EQ(vm.read(kCpu1, poor, at).error(), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu1, poor, b).release(), 1u);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.exit(kCpu0, poor), Error::None);
}

TEST_F(Contiguous, ANeighbourOfASegmentsBorderGoesElsewhere) {
    const VirtualAddress border = AddressLayout::kSlices - kPageSize;
    EXPECT_NE(map(2, 0, border).release(), border);
    EXPECT_EQ(map(2, kMapFixedNoReplace, border).error(), Error::NoMemory);
}

// What lies in magazines, or is nobody's any more, comes back before the call is refused.
TEST_F(Contiguous, MemoryIsCalledInFirst) {
    const ProcessId greedy = vm.create(kCpu1);
    const VirtualAddress a = vm.mmap(kCpu1, greedy, uint64_t{64} << 20).release();
    uint64_t pages = 0;
    while (vm.write(kCpu1, greedy, a + pages * kPageSize, 1) == Error::None) ++pages;
    EXPECT_EQ(map(900).error(), Error::NoMemory);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.munmap(kCpu1, greedy, a, pages * kPageSize), Error::None);
    const auto rounds = [&] { return vm.processes().shortage().round(); };
    const uint64_t before = rounds();
    const Message plain{{0, 0, 6000 * kPageSize, kBoth, kFlags}};
    EXPECT_EQ(vm.call(kCpu0, process, VmCall::Mmap, plain, 0).outcome(), Error::NoMemory);
    EXPECT_EQ(rounds(), before) << "for a driver only: all workers have to do with it";
    EXPECT_TRUE(map(900).ok());
    EXPECT_EQ(vm.exit(kCpu1, greedy), Error::None);
}

}  // namespace
}  // namespace shoal::vm::test
