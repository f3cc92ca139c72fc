// map_memory and unmap_memory: two processes with the same frames, or with copies on write, at addresses of their own; and back.
#include <gtest/gtest.h>

#include <thread>

#include "servers/vm/calls/detach.hpp"
#include "servers/vm/requests/dispatcher.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class MapMemoryTest : public ::testing::Test {
  protected:
    static constexpr uint64_t kBoth = kProtectRead | kProtectWrite, kFlags = kMapPrivate | kMapAnonymous | kMapFixed;
    static constexpr VirtualAddress kFrom{0x4000'3000}, kTo{0x5000'c000};
    static constexpr uint32_t kGrant = 7;

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        for (const ProcessId process : others) EXPECT_EQ(vm.exit(kCpu1, process), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
    }
    ProcessId another(uint64_t quota = 0) {
        others.push_back(vm.create(kCpu1, quota));
        return others.back();
    }
    void end(ProcessId process) {
        std::erase(others, process);
        ASSERT_EQ(vm.exit(kCpu0, process), Error::None);
    }
    void map(ProcessId process, VirtualAddress at, uint64_t pages, uint64_t protection = kBoth) {
        ASSERT_EQ(vm.mmap(kCpu0, process, pages * kPageSize, protection, kFlags, at).release(), at);
    }
    void fill(ProcessId process, VirtualAddress at, uint64_t pages, uint64_t value, CpuId cpu = kCpu0) {
        for (uint64_t i = 0; i < pages; ++i) ASSERT_EQ(vm.write(cpu, process, at + i * kPageSize, value + i), Error::None);
    }
    [[nodiscard]] bool holds(ProcessId process, VirtualAddress at, uint64_t pages, uint64_t value, CpuId cpu = kCpu1) {
        for (uint64_t i = 0; i < pages; ++i) {
            const Result<uint64_t> seen = vm.read(cpu, process, at + i * kPageSize);
            if (!seen.ok() || seen.value() != value + i) return false;
        }
        return true;
    }
    Error join(ProcessId process, uint64_t pages, MapMode mode = MapMode::SharedWritable, VirtualAddress from = kFrom, VirtualAddress to = kTo) {
        Harness::MapWish wish{source, from, to, pages * kPageSize, mode, {}};
        wish.path.grants[0] = {source, kGrant};
        wish.path.length = 1;
        return vm.map_memory(kCpu1, process, wish);
    }
    // By a grant of the lender's to its own memory.
    Error lend(ProcessId from, VirtualAddress at, ProcessId to, VirtualAddress place, uint64_t pages, MapMode mode) {
        Harness::MapWish wish{from, at, place, pages * kPageSize, mode, {}};
        wish.path = {{{from, kGrant + 9}}, 1};
        return vm.map_memory(kCpu1, to, wish);
    }
    ProcessId fork(ProcessId from) {
        const ProcessId child = another();
        EXPECT_EQ(vm.call(kCpu0, from, VmCall::Fork, {{0, from.raw(), child.raw()}}).outcome(), Error::None);
        return child;
    }
    [[nodiscard]] Ownership ownership(ProcessId process, VirtualAddress at) {
        return vm.processes().find(process)->leaves.find(at)->trees.find(page_in_leaf(at))->state().ownership;
    }
    [[nodiscard]] uint64_t frames() {
        vm.settle();
        return vm.arena().frames_in_use();
    }
    // Source and one partner, with so many pages each, filled from 100 and from 5000 on.
    ProcessId pair(uint64_t pages) {
        const ProcessId partner = another();
        map(source, kFrom, pages), map(partner, kTo, pages);
        fill(source, kFrom, pages, 100), fill(partner, kTo, pages, 5000);
        return partner;
    }

    Harness vm{{.cpus = 3}};
    std::vector<ProcessId> others;
    const ProcessId source = another();
};

TEST_F(MapMemoryTest, WhatOneWritesBothRead) {
    const ProcessId partner = pair(8);
    ASSERT_EQ(join(partner, 8), Error::None);
    EXPECT_TRUE(holds(partner, kTo, 8, 100));
    fill(partner, kTo, 4, 200);
    fill(source, kFrom + 4 * kPageSize, 4, 300);
    EXPECT_TRUE(holds(source, kFrom, 4, 200) && holds(partner, kTo + 4 * kPageSize, 4, 300));
}

// Source and destination have their leaves' borders in different places; the destination's segments, too.
TEST_F(MapMemoryTest, AcrossLeavesAtDifferentPlaces) {
    constexpr uint64_t kPages = 3 * kPagesPerLeaf + 100;
    const ProcessId partner = another();
    map(source, kFrom, kPages), map(partner, kTo, kPages);
    fill(source, kFrom, kPages, 100);
    fill(partner, kTo + 40 * kPageSize, 700, 5000);
    ASSERT_EQ(join(partner, kPages), Error::None);
    EXPECT_TRUE(holds(partner, kTo, kPages, 100));
    fill(partner, kTo, kPages, 9000);
    EXPECT_TRUE(holds(source, kFrom, kPages, 9000));
    ASSERT_EQ(vm.unmap_memory(kCpu1, partner, kTo), Error::None);
    fill(source, kFrom, kPages, 1);
    EXPECT_TRUE(holds(partner, kTo, kPages, 9000));
}

TEST_F(MapMemoryTest, AcrossSegments) {
    const AddressLayout& layout = vm.processes().find(source)->layout();
    const VirtualAddress border = layout.segment_range(1).end, from = border - 3 * kPageSize, to = border - 5 * kPageSize;
    const ProcessId partner = another();
    map(source, from, 8), map(partner, to, 8);
    fill(source, from, 8, 100), fill(partner, to, 8, 1);
    ASSERT_EQ(join(partner, 8, MapMode::SharedWritable, from, to), Error::None);
    fill(partner, to, 8, 700);
    EXPECT_TRUE(holds(source, from, 8, 700));
}

TEST_F(MapMemoryTest, AbsentPagesAreMadePresentFirst) {
    const ProcessId partner = another();
    map(source, kFrom, 4), map(partner, kTo, 4);
    ASSERT_EQ(join(partner, 4), Error::None);
    fill(partner, kTo, 4, 10);
    EXPECT_TRUE(holds(source, kFrom, 4, 10));
}

// But for what the slabs take.
TEST_F(MapMemoryTest, OldPagesAreGivenBack) {
    const ProcessId partner = pair(32);
    const uint64_t before = frames();
    ASSERT_EQ(join(partner, 32), Error::None);
    EXPECT_LE(frames(), before - 24);
    EXPECT_EQ(vm.processes().find(partner)->quota.charged().raw(), 32u + 1 + 1 + 1) << "pages, a table, regions, a mapping";
}

// CPUs that have the old pages cached see the new ones.
TEST_F(MapMemoryTest, OldPagesLeaveAllCpus) {
    const ProcessId partner = pair(40);
    for (const CpuId cpu : {kCpu0, kCpu1, kCpu2}) ASSERT_TRUE(holds(partner, kTo, 40, 5000, cpu) && holds(source, kFrom, 40, 100, cpu));
    const ProcessId child = fork(partner);  // so that some are counted
    fill(partner, kTo, 7, 6000);
    ASSERT_EQ(join(partner, 40), Error::None);
    for (const CpuId cpu : {kCpu0, kCpu1, kCpu2}) EXPECT_TRUE(holds(partner, kTo, 40, 100, cpu));
    fill(partner, kTo, 40, 800, kCpu2);
    EXPECT_TRUE(holds(source, kFrom, 40, 800, kCpu1));
    EXPECT_TRUE(holds(child, kTo, 40, 5000));
}

TEST_F(MapMemoryTest, ReadOnlyIsNeverWritten) {
    const ProcessId partner = pair(4);
    ASSERT_EQ(join(partner, 4, MapMode::SharedReadOnly), Error::None);
    EXPECT_TRUE(holds(partner, kTo, 4, 100));
    fill(source, kFrom, 4, 300);
    EXPECT_TRUE(holds(partner, kTo, 4, 300));
    EXPECT_EQ(vm.write(kCpu1, partner, kTo, 1), Error::AccessDenied);
    ASSERT_EQ(vm.mprotect(kCpu1, partner, kTo, 4 * kPageSize, kProtectRead), Error::None);
    ASSERT_EQ(vm.mprotect(kCpu1, partner, kTo, 4 * kPageSize, kBoth), Error::None);
    EXPECT_EQ(vm.write(kCpu1, partner, kTo, 1), Error::AccessDenied);
    EXPECT_TRUE(holds(source, kFrom, 4, 300));
}

// Who may only read lends no more than that.
TEST_F(MapMemoryTest, WhatIsReadOnlyIsPassedOnSo) {
    const ProcessId partner = pair(4), third = another();
    map(third, kFrom, 4);
    ASSERT_EQ(join(partner, 4, MapMode::SharedReadOnly), Error::None);
    Harness::MapWish wish{partner, kTo, kFrom, 4 * kPageSize, MapMode::SharedWritable, {}};
    EXPECT_EQ(vm.map_memory(kCpu0, third, wish), Error::AccessDenied);
    wish.mode = MapMode::SharedReadOnly;
    ASSERT_EQ(vm.map_memory(kCpu0, third, wish), Error::None);
    EXPECT_TRUE(holds(third, kFrom, 4, 100));
    EXPECT_EQ(vm.write(kCpu0, third, kFrom, 1), Error::AccessDenied);
}

// Nor is it shared on, and who was to have it has nothing.
TEST_F(MapMemoryTest, WhatIsReadOnlyIsNotShared) {
    const ProcessId partner = pair(4), third = another();
    map(partner, kTo - 200 * kPageSize, 200);
    ASSERT_EQ(join(partner, 4, MapMode::SharedReadOnly), Error::None);
    const VirtualAddress at = kTo - 200 * kPageSize;
    EXPECT_EQ(vm.call(kCpu0, partner, VmCall::Share, {{0, partner.raw(), at.raw(), 204 * kPageSize, third.raw()}}).outcome(), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu1, third, at).error(), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu1, third, kTo).error(), Error::BadAddress);
}

TEST_F(MapMemoryTest, CopiesOnWriteArePrivate) {
    const ProcessId partner = pair(600);
    ASSERT_TRUE(holds(source, kFrom, 600, 100, kCpu2));
    ASSERT_EQ(join(partner, 600, MapMode::CopyOnWrite), Error::None);
    fill(source, kFrom, 300, 1, kCpu2);
    EXPECT_TRUE(holds(partner, kTo, 600, 100));
    fill(partner, kTo + 200 * kPageSize, 400, 7000);
    EXPECT_TRUE(holds(source, kFrom, 300, 1) && holds(source, kFrom + 300 * kPageSize, 300, 400));
    EXPECT_TRUE(holds(partner, kTo, 200, 100));
}

// (a)
TEST_F(MapMemoryTest, ACopyOnWriteBecomesTheSourcesOwnBeforeItIsShared) {
    for (const MapMode mode : {MapMode::SharedWritable, MapMode::SharedReadOnly}) {
        const ProcessId partner = pair(6), child = fork(source);
        ASSERT_TRUE(holds(source, kFrom, 6, 100, kCpu2));
        ASSERT_EQ(join(partner, 6, mode), Error::None);
        fill(source, kFrom, 3, 700);
        if (mode == MapMode::SharedWritable) fill(partner, kTo + 3 * kPageSize, 3, 703);
        else fill(source, kFrom + 3 * kPageSize, 3, 703);
        EXPECT_TRUE(holds(partner, kTo, 6, 700) && holds(source, kFrom, 6, 700));
        EXPECT_TRUE(holds(child, kFrom, 6, 100));
        ASSERT_EQ(vm.munmap(kCpu0, source, kFrom, 6 * kPageSize), Error::None);
    }
}

// (b)
TEST_F(MapMemoryTest, WhatIsSharedIsCopiedAtOnce) {
    const ProcessId partner = pair(20), third = another();
    map(third, kTo, 20);
    ASSERT_EQ(join(partner, 10), Error::None);
    ASSERT_EQ(join(third, 20, MapMode::CopyOnWrite), Error::None);
    EXPECT_EQ(ownership(third, kTo), Ownership::Exclusive);
    EXPECT_EQ(ownership(third, kTo + 15 * kPageSize), Ownership::CopyOnWrite);
    fill(partner, kTo, 10, 900), fill(source, kFrom + 10 * kPageSize, 10, 900);
    EXPECT_TRUE(holds(third, kTo, 20, 100));
    fill(third, kTo, 20, 300);
    EXPECT_TRUE(holds(partner, kTo, 10, 900) && holds(source, kFrom, 10, 900));
}

// (c), of either side.
TEST_F(MapMemoryTest, AForksCopyHasCopiesAndThePartnersGoOn) {
    const ProcessId partner = pair(20);
    ASSERT_EQ(join(partner, 10), Error::None);
    const ProcessId child = fork(source), other = fork(partner);
    EXPECT_EQ(ownership(child, kFrom), Ownership::Exclusive);
    fill(source, kFrom, 10, 700);
    EXPECT_TRUE(holds(partner, kTo, 10, 700));
    EXPECT_TRUE(holds(child, kFrom, 20, 100) && holds(other, kTo, 10, 100) && holds(other, kTo + 10 * kPageSize, 10, 5010));
    fill(child, kFrom, 20, 1), fill(other, kTo, 20, 2);
    EXPECT_TRUE(holds(partner, kTo, 10, 700) && holds(source, kFrom + 10 * kPageSize, 10, 110));
}

// What was read only there is the copy's to write.
TEST_F(MapMemoryTest, AForksCopyOfWhatIsReadOnlyIsItsOwn) {
    const ProcessId partner = pair(3);
    ASSERT_EQ(join(partner, 3, MapMode::SharedReadOnly), Error::None);
    const ProcessId child = fork(partner);
    fill(child, kTo, 3, 50);
    EXPECT_TRUE(holds(source, kFrom, 3, 100));
}

// Nobody has it but one: a fork copies on write again.
TEST_F(MapMemoryTest, AForkAfterThePartnersEndCopiesOnWrite) {
    const ProcessId partner = pair(20);
    ASSERT_EQ(join(partner, 20), Error::None);
    end(partner);
    const uint64_t before = frames();
    const ProcessId child = fork(source);
    EXPECT_EQ(ownership(child, kFrom), Ownership::CopyOnWrite);
    EXPECT_LT(frames(), before + 15);
    fill(source, kFrom, 20, 1);
    EXPECT_TRUE(holds(child, kFrom, 20, 100));
}

// (d)
TEST_F(MapMemoryTest, UnmappingLeavesASnapshot) {
    for (const MapMode mode : {MapMode::SharedWritable, MapMode::SharedReadOnly, MapMode::CopyOnWrite}) {
        const ProcessId partner = pair(50);
        for (const CpuId cpu : {kCpu0, kCpu1, kCpu2}) ASSERT_TRUE(holds(partner, kTo, 50, 5000, cpu));
        ASSERT_EQ(join(partner, 50, mode), Error::None);
        ASSERT_TRUE(holds(partner, kTo, 50, 100, kCpu2));
        if (mode == MapMode::SharedWritable) fill(partner, kTo, 50, 100, kCpu2);
        const Ownership before = ownership(source, kFrom);
        ASSERT_EQ(vm.unmap_memory(kCpu1, partner, kTo), Error::None);
        EXPECT_EQ(ownership(source, kFrom), before) << "the source is as it was";
        fill(source, kFrom, 50, 1);
        for (const CpuId cpu : {kCpu0, kCpu1, kCpu2}) EXPECT_TRUE(holds(partner, kTo, 50, 100, cpu));
        fill(partner, kTo, 50, 300);
        EXPECT_TRUE(holds(source, kFrom, 50, 1));
        EXPECT_EQ(vm.unmap_memory(kCpu1, partner, kTo), Error::BadAddress);
        ASSERT_EQ(vm.munmap(kCpu0, source, kFrom, 50 * kPageSize), Error::None);
    }
}

TEST_F(MapMemoryTest, ManyShareAndAllAreRevokedAtOnce) {
    constexpr unsigned kPartners = 9;
    map(source, kFrom, 20);
    fill(source, kFrom, 20, 100);
    std::vector<ProcessId> partners;
    for (unsigned i = 0; i < kPartners; ++i) {
        partners.push_back(another());
        map(partners.back(), kTo, 20);
        ASSERT_EQ(join(partners.back(), 20, i % 3 == 0 ? MapMode::SharedReadOnly : MapMode::SharedWritable), Error::None);
    }
    fill(partners[1], kTo, 20, 400);
    for (const ProcessId partner : partners) EXPECT_TRUE(holds(partner, kTo, 20, 400));
    EXPECT_EQ(vm.revoke(kCpu0, source, kGrant + 1), Error::None);
    fill(source, kFrom, 20, 500);
    for (const ProcessId partner : partners) EXPECT_TRUE(holds(partner, kTo, 20, 500)) << "another grant";
    ASSERT_EQ(vm.revoke(kCpu0, source, kGrant), Error::None);
    fill(source, kFrom, 20, 600);
    for (const ProcessId partner : partners) EXPECT_TRUE(holds(partner, kTo, 20, 500));
    for (const ProcessId partner : partners) fill(partner, kTo, 20, partner.raw());
    for (const ProcessId partner : partners) EXPECT_TRUE(holds(partner, kTo, 20, partner.raw()));
    EXPECT_TRUE(holds(source, kFrom, 20, 600));
    EXPECT_EQ(vm.revoke(kCpu0, source, kGrant), Error::None) << "nothing is left of it";
}

// A mapping goes with each of the grants that it was made by.
TEST_F(MapMemoryTest, RevokingAnyGrantOfThePath) {
    const ProcessId middle = another(), last = another();
    map(source, kFrom, 2), map(last, kTo, 2);
    Harness::MapWish wish{source, kFrom, kTo, 2 * kPageSize, MapMode::SharedWritable, {}};
    wish.path = {{{middle, 3}, {middle, 4}, {source, kGrant}}, 3};
    for (const GrantName grant : {GrantName{middle, 3}, GrantName{middle, 4}, GrantName{source, kGrant}}) {
        fill(source, kFrom, 2, 100);
        ASSERT_EQ(vm.map_memory(kCpu1, last, wish), Error::None);
        ASSERT_EQ(vm.revoke(kCpu0, grant.granter, grant.number), Error::None);
        fill(source, kFrom, 2, 5);
        EXPECT_TRUE(holds(last, kTo, 2, 100));
    }
}

// Lent on by a grant of his own memory's: it goes with the grant that he has it by.
TEST_F(MapMemoryTest, RevokingEndsWhatWasLentOnAsOnesOwn) {
    for (const bool ends : {false, true}) {
        const ProcessId partner = pair(6), third = another(), fourth = another();
        for (const ProcessId process : {third, fourth}) map(process, kTo, 8);
        ASSERT_EQ(join(partner, 4), Error::None);
        ASSERT_EQ(lend(partner, kTo, third, kTo + kPageSize, 6, MapMode::SharedWritable), Error::None);
        ASSERT_EQ(lend(third, kTo + kPageSize, fourth, kTo, 6, MapMode::SharedReadOnly), Error::None);
        fill(third, kTo + kPageSize, 4, 700);
        EXPECT_TRUE(holds(source, kFrom, 4, 700) && holds(fourth, kTo, 4, 700));
        if (ends) end(partner);
        ASSERT_EQ(vm.revoke(kCpu0, source, kGrant), Error::None);
        fill(source, kFrom, 4, 1);
        EXPECT_TRUE(holds(third, kTo + kPageSize, 4, 700) && holds(fourth, kTo, 4, 700));
        fill(third, kTo + kPageSize, 4, 2);
        EXPECT_TRUE(holds(source, kFrom, 4, 1) && holds(fourth, kTo, 4, 700));
        EXPECT_EQ(vm.unmap_memory(kCpu1, third, kTo + kPageSize), Error::BadAddress) << "the mapping has gone";
        ASSERT_EQ(vm.munmap(kCpu0, source, kFrom, 6 * kPageSize), Error::None);
    }
}

// What he had lent before is his own.
TEST_F(MapMemoryTest, RevokingLeavesAloneWhatWasLentBefore) {
    const ProcessId partner = pair(4), third = another();
    map(third, kTo, 4);
    ASSERT_EQ(lend(partner, kTo, third, kTo, 4, MapMode::SharedWritable), Error::None);
    ASSERT_EQ(join(partner, 4), Error::None);
    EXPECT_TRUE(holds(third, kTo, 4, 5000));
    ASSERT_EQ(vm.revoke(kCpu0, source, kGrant), Error::None);
    EXPECT_EQ(vm.unmap_memory(kCpu1, third, kTo), Error::None);
}

// His mapping has been entered, and nothing mapped yet.
TEST_F(MapMemoryTest, WhatTheSourceGetsMeanwhileIsNotLentOn) {
    const ProcessId partner = pair(4), third = another();
    map(third, kTo, 4);
    fill(third, kTo, 4, 900);
    const uint64_t sequence = vm.machine.add_grant_path({{{partner, kGrant}}, 1});
    {
        const std::lock_guard turn(vm.machine.turn(kCpu1));
        WorkerContext worker = vm.context(kCpu1);
        Receipt receipt;
        receipt.status = kFromKernel;
        const uint64_t to = kTo.raw() | static_cast<uint64_t>(MapMode::SharedWritable);
        receipt.message = {{0, kTo.raw(), to, sequence, partner.raw(), 0, 4 * kPageSize, third.raw()}};
        receipt.message.set_type(kMapRequest);
        worker.worker.epoch.enter_fenced();
        EXPECT_EQ(dispatch(worker, receipt).kind, Action::Kind::None);
        worker.worker.epoch.leave();
        std::thread([&] {
            Harness::MapWish wish{source, kFrom, kTo, 4 * kPageSize, MapMode::SharedWritable, {{{source, kGrant}}, 1}};
            EXPECT_EQ(vm.map_memory(kCpu0, partner, wish), Error::None);
        }).join();
    }
    vm.settle();
    ASSERT_EQ(vm.revoke(kCpu0, source, kGrant), Error::None);
    fill(source, kFrom, 4, 1);
    EXPECT_TRUE(holds(partner, kTo, 4, 100) && holds(third, kTo, 4, 900));
}

TEST_F(MapMemoryTest, NothingComesByMoreGrantsThanCanBeTold) {
    const ProcessId partner = pair(6), third = another();
    map(third, kTo, 6);
    for (uint32_t i = 0; i < 5; ++i) {
        Harness::MapWish wish{source, kFrom + i * kPageSize, kTo + i * kPageSize, kPageSize, MapMode::SharedWritable, {}};
        wish.path = {{{source, kGrant + i}}, 1};
        ASSERT_EQ(vm.map_memory(kCpu1, partner, wish), Error::None);
    }
    EXPECT_EQ(lend(partner, kTo, third, kTo, 6, MapMode::SharedWritable), Error::Loop);
    EXPECT_EQ(vm.unmap_memory(kCpu1, third, kTo), Error::BadAddress);
    EXPECT_EQ(lend(partner, kTo, third, kTo, 4, MapMode::SharedWritable), Error::None);
}

// Nor does who was to have it by share.
TEST_F(MapMemoryTest, WhatOneHasFromAnotherIsNotShared) {
    const ProcessId partner = pair(4), third = another();
    map(partner, kTo - 200 * kPageSize, 200);
    ASSERT_EQ(join(partner, 4), Error::None);
    const VirtualAddress at = kTo - 200 * kPageSize;
    EXPECT_EQ(vm.call(kCpu0, partner, VmCall::Share, {{0, partner.raw(), at.raw(), 204 * kPageSize, third.raw()}}).outcome(), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu1, third, kTo).error(), Error::BadAddress);
    EXPECT_EQ(vm.call(kCpu0, source, VmCall::Share, {{0, source.raw(), kFrom.raw(), 4 * kPageSize, third.raw()}}).outcome(), Error::None) << "the source's own";
    ASSERT_EQ(vm.revoke(kCpu0, source, kGrant), Error::None);
    fill(source, kFrom, 4, 7);
    EXPECT_TRUE(holds(partner, kTo, 4, 100) && holds(third, kFrom, 4, 7));
}

TEST_F(MapMemoryTest, WhatTheSourceHadStaysWhenItEnds) {
    const ProcessId partner = pair(8), reader = another();
    map(reader, kTo, 8);
    ASSERT_EQ(join(partner, 8), Error::None);
    ASSERT_EQ(join(reader, 8, MapMode::SharedReadOnly), Error::None);
    EXPECT_EQ(vm.write(kCpu1, reader, kTo, 1), Error::AccessDenied);
    end(source);
    EXPECT_TRUE(holds(partner, kTo, 8, 100) && holds(reader, kTo, 8, 100));
    fill(reader, kTo, 8, 50);
    EXPECT_TRUE(holds(partner, kTo, 8, 100)) << "it was nobody's to write but the source's";
    fill(partner, kTo, 8, 60);
    EXPECT_TRUE(holds(reader, kTo, 8, 50));
    EXPECT_EQ(vm.unmap_memory(kCpu1, partner, kTo), Error::None);
    EXPECT_TRUE(holds(partner, kTo, 8, 60));
}

TEST_F(MapMemoryTest, TheSourceGoesOnWhenThePartnerEnds) {
    const ProcessId partner = pair(8);
    ASSERT_EQ(join(partner, 8), Error::None);
    fill(partner, kTo, 8, 60);
    end(partner);
    EXPECT_EQ(vm.revoke(kCpu0, source, kGrant), Error::None);
    fill(source, kFrom, 4, 1);
    EXPECT_TRUE(holds(source, kFrom, 4, 1) && holds(source, kFrom + 4 * kPageSize, 4, 64));
}

// Either side unmaps, protects and discards what it likes; the other does not notice.
TEST_F(MapMemoryTest, CallsOfEitherSide) {
    const ProcessId partner = pair(16);
    ASSERT_EQ(join(partner, 16), Error::None);
    ASSERT_EQ(vm.munmap(kCpu0, source, kFrom, 4 * kPageSize), Error::None);
    ASSERT_EQ(vm.munmap(kCpu0, partner, kTo + 4 * kPageSize, 4 * kPageSize), Error::None);
    ASSERT_EQ(vm.mprotect(kCpu0, partner, kTo + 8 * kPageSize, 4 * kPageSize, kProtectRead), Error::None);
    ASSERT_EQ(vm.discard(kCpu0, partner, kTo + 12 * kPageSize, 4 * kPageSize), Error::None);
    EXPECT_TRUE(holds(partner, kTo, 4, 100) && holds(source, kFrom + 4 * kPageSize, 12, 104));
    EXPECT_EQ(vm.write(kCpu1, partner, kTo + 8 * kPageSize, 1), Error::AccessDenied);
    EXPECT_TRUE(holds(partner, kTo + 8 * kPageSize, 8, 108)) << "what is shared keeps its contents";
    ASSERT_EQ(vm.unmap_memory(kCpu1, partner, kTo), Error::None);
    EXPECT_EQ(vm.read(kCpu1, partner, kTo + 4 * kPageSize).error(), Error::BadAddress);
    fill(source, kFrom + 4 * kPageSize, 12, 1);
    EXPECT_TRUE(holds(partner, kTo + 8 * kPageSize, 8, 108));
}

// Its pages are its own again, whatever they were called.
TEST_F(MapMemoryTest, WhatNobodyHasAnyMoreIsGivenBackByAdvice) {
    const ProcessId partner = pair(8);
    ASSERT_EQ(join(partner, 8), Error::None);
    EXPECT_EQ(vm.discard(kCpu0, source, kFrom, 2 * kPageSize), Error::None);
    EXPECT_TRUE(holds(source, kFrom, 8, 100)) << "its partner has them";
    ASSERT_EQ(vm.unmap_memory(kCpu1, partner, kTo), Error::None);
    EXPECT_EQ(vm.discard(kCpu0, source, kFrom + kPageSize, 3 * kPageSize), Error::None);
    for (unsigned i = 1; i < 4; ++i) EXPECT_EQ(vm.read(kCpu0, source, kFrom + i * kPageSize).release(), 0u);
    EXPECT_TRUE(holds(source, kFrom, 1, 100) && holds(source, kFrom + 4 * kPageSize, 4, 104));
    EXPECT_TRUE(holds(partner, kTo, 8, 100));
}

TEST_F(MapMemoryTest, DetachedLeavesOfBothSides) {
    const ProcessId partner = another();
    const VirtualAddress from = kFrom.leaf_down() + kLeafSize, to = kTo.leaf_down() + kLeafSize;
    map(source, from - kLeafSize, 3 * kPagesPerLeaf), map(partner, to - kLeafSize, 3 * kPagesPerLeaf);
    for (const ProcessId process : {source, partner}) {
        const VirtualAddress hole = (process == source ? from : to) + 100 * kPageSize;
        ASSERT_EQ(vm.munmap(kCpu0, process, hole, kPageSize), Error::None);
        ASSERT_NE(find_detached(*vm.processes().find(process), VirtualRange::of(hole, kPageSize)), nullptr);
    }
    ASSERT_EQ(join(partner, 101, MapMode::SharedWritable, from, to), Error::BadAddress);
    fill(source, from, 100, 40);
    ASSERT_EQ(join(partner, 100, MapMode::SharedWritable, from, to), Error::None);
    EXPECT_TRUE(holds(partner, to, 100, 40));
    ASSERT_EQ(vm.unmap_memory(kCpu1, partner, to), Error::None);
    fill(source, from, 100, 1);
    EXPECT_TRUE(holds(partner, to, 100, 40));
}

TEST_F(MapMemoryTest, RefusalsChangeNothing) {
    const ProcessId partner = pair(8);
    const auto ask = [&](Harness::MapWish wish) { return vm.map_memory(kCpu1, partner, wish); };
    const Harness::MapWish good{source, kFrom, kTo, 8 * kPageSize, MapMode::SharedWritable, {}};
    Harness::MapWish wish = good;
    wish.source = ProcessId::of(50, 3);
    EXPECT_EQ(ask(wish), Error::NoProcess);
    EXPECT_EQ(vm.map_memory(kCpu1, ProcessId::of(50, 3), good), Error::NoProcess);
    wish = good, wish.source = partner;
    EXPECT_EQ(ask(wish), Error::Invalid) << "itself";
    wish = good, wish.from = kFrom + 8;
    EXPECT_EQ(ask(wish), Error::Invalid) << "unaligned";
    wish = good, wish.bytes = 0;
    EXPECT_EQ(ask(wish), Error::Invalid);
    wish = good, wish.bytes = uint64_t{1} << 60;
    EXPECT_EQ(ask(wish), Error::BadAddress);
    wish = good, wish.from = kFrom + kPageSize;
    EXPECT_EQ(ask(wish), Error::BadAddress) << "not mapped throughout";
    wish = good, wish.to = kTo - kPageSize;
    EXPECT_EQ(ask(wish), Error::BadAddress);
    wish = good, wish.to = VirtualAddress{0}, wish.bytes = kPageSize;
    EXPECT_EQ(ask(wish), Error::BadAddress) << "nothing can be mapped there";
    map(source, kFrom + 8 * kPageSize, 1, kProtectRead);
    wish = good, wish.from = kFrom + kPageSize;
    EXPECT_EQ(ask(wish), Error::AccessDenied) << "the source may not write all of it";
    EXPECT_TRUE(holds(partner, kTo, 8, 5000) && holds(source, kFrom, 8, 100));
    EXPECT_EQ(ownership(source, kFrom), Ownership::Exclusive);
    EXPECT_EQ(vm.unmap_memory(kCpu1, partner, kTo), Error::BadAddress);
    EXPECT_EQ(vm.unmap_memory(kCpu1, ProcessId::of(50, 3), kTo), Error::NoProcess);
    ASSERT_EQ(ask(good), Error::None);
    EXPECT_EQ(ask(good), Error::Exists);
    wish = good, wish.to = kTo + 7 * kPageSize, wish.bytes = kPageSize;
    EXPECT_EQ(ask(wish), Error::Exists);
    EXPECT_EQ(vm.unmap_memory(kCpu1, partner, kTo + kPageSize), Error::BadAddress) << "it does not begin there";
}

// Only anonymous memory.
TEST_F(MapMemoryTest, OtherMemoryIsRefused) {
    const ProcessId partner = pair(4);
    const VirtualAddress shared = vm.mmap(kCpu0, source, 4 * kPageSize, kBoth, kMapAnonymous | kMapShared).release();
    const VirtualAddress pinned = vm.mmap(kCpu0, partner, 4 * kPageSize, kBoth, kMapAnonymous | kMapPrivate | kMapContiguous | kMapPopulate).release();
    const VirtualAddress stack = vm.mmap(kCpu0, partner, 4 * kPageSize, kBoth, kMapAnonymous | kMapPrivate | kMapGrowsDown).release();
    EXPECT_EQ(join(partner, 4, MapMode::SharedWritable, shared), Error::Invalid);
    EXPECT_EQ(join(partner, 4, MapMode::SharedWritable, kFrom, pinned), Error::Invalid);
    EXPECT_EQ(join(partner, 4, MapMode::SharedWritable, kFrom, stack), Error::BadAddress) << "its guard";
    EXPECT_EQ(join(partner, 3, MapMode::SharedWritable, kFrom, stack + kPageSize), Error::None);
    EXPECT_TRUE(holds(partner, stack + kPageSize, 3, 100));
}

// By who has mapped more than its quota, and does nothing but grant it.
TEST_F(MapMemoryTest, TheLastOfItsQuotaIsTheSources) {
    constexpr uint64_t kQuota = 64, kKept = kQuota / 8;
    for (const MapMode mode : {MapMode::SharedWritable, MapMode::SharedReadOnly, MapMode::CopyOnWrite}) {
        const ProcessId poor = another(kQuota), partner = another();
        map(poor, kFrom, 200), map(partner, kTo, 200);
        fill(poor, kFrom, 4, 100);
        EXPECT_EQ(lend(poor, kFrom, partner, kTo, 200, mode), Error::NoMemory);
        EXPECT_LE(vm.processes().find(poor)->quota.charged().raw(), kQuota - kKept);
        EXPECT_EQ(lend(poor, kFrom + 100 * kPageSize, partner, kTo + 100 * kPageSize, 100, mode), Error::NoMemory) << "nor later";
        fill(poor, kFrom + 150 * kPageSize, kKept, 7);
        EXPECT_EQ(lend(poor, kFrom, partner, kTo, 4, mode), Error::None) << "what it has is paid for";
        EXPECT_TRUE(holds(partner, kTo, 4, 100));
    }
}

// Each has paid for its page.
TEST_F(MapMemoryTest, ACopyInAPagesPlaceCostsTheSourceNothing) {
    constexpr uint64_t kQuota = 12;
    const ProcessId poor = another(kQuota), partner = another();
    map(poor, kFrom, 100), map(partner, kTo, 100);
    uint64_t pages = 0;
    while (vm.write(kCpu0, poor, kFrom + pages * kPageSize, 100 + pages) == Error::None) ++pages;
    (void)fork(poor);
    ASSERT_EQ(vm.processes().find(poor)->quota.charged().raw(), kQuota);
    EXPECT_EQ(lend(poor, kFrom, partner, kTo, pages, MapMode::SharedWritable), Error::None);
    EXPECT_EQ(vm.processes().find(poor)->quota.charged().raw(), kQuota);
    fill(partner, kTo, pages, 300);
    EXPECT_TRUE(holds(poor, kFrom, pages, 300));
}

// What has been mapped by then stays, and can be taken back.
TEST_F(MapMemoryTest, OverTheQuotaHalfWay) {
    const ProcessId partner = another(64);
    map(source, kFrom, 200), map(partner, kTo, 200);
    fill(source, kFrom, 200, 100);
    EXPECT_EQ(join(partner, 200), Error::NoMemory);
    uint64_t done = 0;
    while (done < 200 && vm.processes().find(partner)->leaves.find(kTo)->table().get(page_in_leaf(kTo + done * kPageSize)).held()) ++done;
    ASSERT_GE(done, 16u);
    ASSERT_LT(done, 64u);
    fill(source, kFrom, done, 700);
    EXPECT_TRUE(holds(partner, kTo, done, 700));
    EXPECT_EQ(join(partner, 1), Error::Exists);
    ASSERT_EQ(vm.unmap_memory(kCpu1, partner, kTo), Error::None);
    fill(source, kFrom, 200, 1);
    EXPECT_TRUE(holds(partner, kTo, done, 700));
}

// All memory is somebody's while pages are to be copied: what has been asked for is done when some comes back.
TEST_F(MapMemoryTest, MemoryEndsWhilePagesPart) {
    const ProcessId partner = pair(300), third = another();
    map(third, kTo, 300);
    ASSERT_EQ(join(partner, 300), Error::None);
    const ProcessId hog = another();
    const VirtualAddress all = vm.mmap(kCpu2, hog, 64 << 20).release();
    for (VirtualAddress at = all; vm.write(kCpu2, hog, at, 1) == Error::None;) at = at + kPageSize;
    EXPECT_EQ(join(third, 300, MapMode::CopyOnWrite), Error::NoMemory) << "copies at once";
    EXPECT_EQ(vm.unmap_memory(kCpu1, partner, kTo), Error::NoMemory);
    EXPECT_EQ(vm.revoke(kCpu0, source, kGrant), Error::NoMemory);
    EXPECT_TRUE(holds(source, kFrom, 300, 100) && holds(partner, kTo, 300, 100)) << "what is there needs no memory";
    EXPECT_EQ(vm.audit(), 0u);
    end(hog);
    EXPECT_EQ(vm.revoke(kCpu0, source, kGrant), Error::None);
    fill(source, kFrom, 300, 1);
    EXPECT_TRUE(holds(partner, kTo, 300, 100));
    EXPECT_EQ(vm.unmap_memory(kCpu1, partner, kTo), Error::BadAddress);
}

// Between VM's first look at the grants and the mapping's being entered.
TEST_F(MapMemoryTest, AGrantIsTakenBackMeanwhile) {
    const ProcessId partner = pair(4);
    for (const Error error : {Error::Permission, Error::Again}) {
        vm.machine.change_paths_after(1, error);
        EXPECT_EQ(join(partner, 4), error);
        vm.machine.change_paths_after(0, error);
        EXPECT_EQ(join(partner, 4), error);
    }
    EXPECT_TRUE(holds(partner, kTo, 4, 5000));
    EXPECT_EQ(ownership(source, kFrom), Ownership::Exclusive);
    EXPECT_EQ(vm.unmap_memory(kCpu1, partner, kTo), Error::BadAddress);
    EXPECT_EQ(join(partner, 4), Error::None);
}

// Not even the mapping is paid for; nothing is left of it.
TEST_F(MapMemoryTest, NoQuotaForTheMapping) {
    const ProcessId partner = another(3);
    map(source, kFrom, 2), map(partner, kTo, 1);
    fill(partner, kTo, 1, 4);
    EXPECT_EQ(join(partner, 1), Error::NoMemory);
    EXPECT_TRUE(holds(partner, kTo, 1, 4));
    EXPECT_EQ(vm.unmap_memory(kCpu1, partner, kTo), Error::BadAddress);
}

}  // namespace
}  // namespace shoal::vm::test
