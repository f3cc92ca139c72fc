// Shared memory: one object, seen alike by whoever has it attached, and gone with the last of them.
#include <gtest/gtest.h>

#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class SharedMemory : public ::testing::Test {
  protected:
    static constexpr uint64_t kBoth = kProtectRead | kProtectWrite;
    static constexpr uint64_t kFlags = kMapShared | kMapAnonymous;

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        for (const ProcessId process : living) EXPECT_EQ(vm.exit(kCpu1, process), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
        EXPECT_EQ(frames() - slabs(), at_rest) << "every object ends with its last attachment";
    }
    ProcessId create(uint64_t quota = 0) {
        living.push_back(vm.create(kCpu1, quota));
        return living.back();
    }
    void end(ProcessId process) {
        std::erase(living, process);
        ASSERT_EQ(vm.exit(kCpu1, process), Error::None);
    }
    Result<VirtualAddress> map(ProcessId process, uint64_t pages, uint64_t flags = kFlags, VirtualAddress at = {}) {
        return vm.mmap(kCpu0, process, pages * kPageSize, kBoth, flags, at);
    }
    Message remap(ProcessId from, VirtualAddress at, uint64_t pages, ProcessId to, VirtualAddress wish = {}, VmCall call = VmCall::Remap) {
        return vm.call(kCpu0, first, call, {{0, to.raw(), from.raw(), wish.raw(), at.raw(), pages * kPageSize}});
    }
    // Where it is in `to`.
    VirtualAddress given(ProcessId from, VirtualAddress at, uint64_t pages, ProcessId to, VmCall call = VmCall::Remap) {
        const Message answer = remap(from, at, pages, to, {}, call);
        EXPECT_EQ(answer.outcome(), Error::None);
        return VirtualAddress{answer.words[1]};
    }
    Error fork(ProcessId from, ProcessId to) { return vm.call(kCpu0, first, VmCall::Fork, {{0, from.raw(), to.raw()}}).outcome(); }
    Message references(ProcessId process, VirtualAddress at) { return vm.call(kCpu0, first, VmCall::Getref, {{0, process.raw(), at.raw()}}); }
    Error shm_unmap(ProcessId process, VirtualAddress at, uint64_t allowed = kVmCallAllowed) {
        return vm.call(kCpu0, first, VmCall::ShmUnmap, {{0, process.raw(), at.raw()}}, allowed).outcome();
    }
    void fill(ProcessId process, VirtualAddress at, uint64_t pages, uint64_t value) {
        for (uint64_t i = 0; i < pages; ++i) ASSERT_EQ(vm.write(kCpu0, process, at + i * kPageSize, value + i), Error::None);
    }
    [[nodiscard]] bool holds(ProcessId process, VirtualAddress at, uint64_t pages, uint64_t value, CpuId cpu = kCpu1) {
        for (uint64_t i = 0; i < pages; ++i) {
            const Result<uint64_t> seen = vm.read(cpu, process, at + i * kPageSize);
            if (!seen.ok() || seen.value() != value + i) return false;
        }
        return true;
    }
    uint64_t charged(ProcessId process) { return vm.usage(kCpu0, process).charged_pages; }
    uint64_t frames() {
        vm.settle();
        return vm.arena().frames_in_use();
    }
    uint64_t slabs() {
        uint64_t sum = 0;
        for (uint32_t cpu = 0; cpu < 2; ++cpu)
            for (size_t type = 0; type < kSlabTypes; ++type) sum += vm.arena().header().workers[cpu].slabs.slabs(static_cast<SlabType>(type));
        return sum;
    }

    Harness vm{{.cpus = 2}};
    const uint64_t at_rest = frames() - slabs();
    std::vector<ProcessId> living;
    const ProcessId first = create();
};

TEST_F(SharedMemory, AForksCopySeesWhatIsWrittenAfterIt) {
    const VirtualAddress a = map(first, 40).release();
    fill(first, a, 10, 100);
    const ProcessId child = create();
    ASSERT_EQ(fork(first, child), Error::None);
    EXPECT_TRUE(holds(child, a, 10, 100));
    fill(child, a + 5 * kPageSize, 30, 500);  // pages that nobody had touched, too
    EXPECT_TRUE(holds(first, a, 5, 100));
    EXPECT_TRUE(holds(first, a + 5 * kPageSize, 30, 500));
    EXPECT_EQ(vm.read(kCpu0, child, a + 39 * kPageSize).release(), 0u);
}

TEST_F(SharedMemory, TheMapperMayGoFirst) {
    const VirtualAddress a = map(first, 20).release();
    fill(first, a, 20, 1);
    const ProcessId other = create(), third = create();
    const VirtualAddress b = given(first, a, 20, other);
    EXPECT_EQ(vm.munmap(kCpu0, first, a, 20 * kPageSize), Error::None);
    EXPECT_TRUE(holds(other, b, 20, 1));
    const VirtualAddress c = given(other, b + 4 * kPageSize, 8, third);
    end(other);
    EXPECT_TRUE(holds(third, c, 8, 5));
    EXPECT_EQ(vm.read(kCpu0, third, c + 8 * kPageSize).error(), Error::BadAddress);
}

TEST_F(SharedMemory, EndsWithTheLastWhoHasIt) {
    const ProcessId other = create();
    const uint64_t before = frames();
    const VirtualAddress a = map(first, 3000).release();
    const VirtualAddress b = given(first, a, 3000, other);
    for (uint64_t i = 0; i < 3000; ++i) ASSERT_EQ(vm.write(kCpu0, i % 2 == 0 ? first : other, (i % 2 == 0 ? a : b) + i * kPageSize, i), Error::None);
    EXPECT_GE(frames(), before + 3000);
    EXPECT_EQ(vm.munmap(kCpu1, first, a, 3000 * kPageSize), Error::None);
    EXPECT_GE(frames(), before + 3000);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.munmap(kCpu0, other, b, 3000 * kPageSize), Error::None);
    EXPECT_LT(frames(), before + 3000 / PageBlock::kPages + 64) << "blocks, tables and what waits for a grace period";
}

TEST_F(SharedMemory, WhoMayOnlyReadNeverWrites) {
    const ProcessId reader = create(), child = create(), friend_of_reader = create();
    const VirtualAddress a = map(first, 8).release();
    fill(first, a, 4, 10);
    const VirtualAddress b = given(first, a, 8, reader, VmCall::RemapRo);
    EXPECT_TRUE(holds(reader, b, 4, 10));
    EXPECT_EQ(vm.write(kCpu0, reader, b, 1), Error::AccessDenied);
    EXPECT_EQ(vm.write(kCpu0, reader, b + 6 * kPageSize, 1), Error::AccessDenied) << "nor pages that are not there yet";
    EXPECT_EQ(vm.mprotect(kCpu0, reader, b, kPageSize, kBoth), Error::AccessDenied);
    EXPECT_EQ(vm.mprotect(kCpu0, reader, b, kPageSize, kProtectNone), Error::None);
    EXPECT_EQ(vm.mprotect(kCpu0, reader, b, kPageSize, kProtectRead), Error::None);
    ASSERT_EQ(fork(reader, child), Error::None);
    EXPECT_EQ(vm.write(kCpu1, child, b, 1), Error::AccessDenied);
    const VirtualAddress c = given(reader, b + kPageSize, 7, friend_of_reader);
    EXPECT_EQ(vm.write(kCpu1, friend_of_reader, c, 1), Error::AccessDenied);
    EXPECT_EQ(vm.mprotect(kCpu1, friend_of_reader, c, kPageSize, kBoth), Error::AccessDenied) << "nor does whoever has it from there";
    EXPECT_EQ(vm.write(kCpu0, first, a + kPageSize, 77), Error::None);
    EXPECT_EQ(vm.read(kCpu1, friend_of_reader, c).release(), 77u);
    EXPECT_EQ(vm.munmap(kCpu1, child, b, 8 * kPageSize), Error::None);
    const Message shared = vm.call(kCpu0, first, VmCall::Share, {{0, reader.raw(), (b + kPageSize).raw(), kPageSize, child.raw()}});
    EXPECT_EQ(shared.outcome(), Error::BadAddress) << "shared on, it would be anybody's to write";
}

TEST_F(SharedMemory, ProtectionIsEachMappingsOwn) {
    const ProcessId other = create();
    const VirtualAddress a = map(first, 6).release(), b = given(first, a, 6, other);
    fill(first, a, 6, 30);
    EXPECT_TRUE(holds(other, b, 6, 30));
    EXPECT_EQ(vm.mprotect(kCpu0, first, a + 2 * kPageSize, 2 * kPageSize, kProtectRead), Error::None);
    EXPECT_EQ(vm.write(kCpu0, first, a + 2 * kPageSize, 1), Error::AccessDenied);
    EXPECT_EQ(vm.write(kCpu0, other, b + 2 * kPageSize, 9), Error::None);
    EXPECT_EQ(vm.read(kCpu0, first, a + 2 * kPageSize).release(), 9u);
    EXPECT_EQ(vm.mprotect(kCpu0, first, a, 6 * kPageSize, kBoth), Error::None);
    EXPECT_EQ(vm.write(kCpu0, first, a + 2 * kPageSize, 11), Error::None);
    EXPECT_EQ(vm.read(kCpu1, other, b + 2 * kPageSize).release(), 11u);
}

TEST_F(SharedMemory, IsUnmappedPieceByPiece) {
    const ProcessId other = create();
    const VirtualAddress a = map(first, 40).release(), b = given(first, a, 40, other);
    fill(first, a, 40, 1000);
    EXPECT_TRUE(holds(other, b, 40, 1000));
    EXPECT_EQ(vm.munmap(kCpu0, first, a + 10 * kPageSize, 10 * kPageSize), Error::None);
    EXPECT_EQ(vm.munmap(kCpu0, first, a, 4 * kPageSize), Error::None);
    EXPECT_TRUE(holds(first, a + 20 * kPageSize, 20, 1020));
    EXPECT_EQ(references(first, a + 20 * kPageSize).words[1], 2u);
    EXPECT_EQ(vm.munmap(kCpu0, first, a + 20 * kPageSize, 20 * kPageSize), Error::None);
    EXPECT_EQ(references(other, b).words[1], 2u);
    EXPECT_EQ(vm.munmap(kCpu0, first, a, 40 * kPageSize), Error::None);
    EXPECT_EQ(references(other, b).words[1], 1u);
    EXPECT_TRUE(holds(other, b, 40, 1000));
}

TEST_F(SharedMemory, DontNeedKeepsTheContents) {
    const VirtualAddress a = map(first, 4).release();
    fill(first, a, 4, 50);
    EXPECT_EQ(vm.discard(kCpu0, first, a, 4 * kPageSize), Error::None);
    EXPECT_TRUE(holds(first, a, 4, 50));
}

TEST_F(SharedMemory, FixedMapsReplaceItAndAreReplacedByIt) {
    constexpr uint64_t kFixed = kMapAnonymous | kMapFixed;
    const ProcessId other = create();
    const VirtualAddress a = map(first, 30).release(), b = given(first, a, 30, other);
    fill(first, a, 30, 200);
    ASSERT_TRUE(map(first, 10, kFixed | kMapPrivate, a + 5 * kPageSize).ok());
    EXPECT_EQ(vm.read(kCpu0, first, a + 5 * kPageSize).release(), 0u);
    fill(first, a + 5 * kPageSize, 10, 900);
    EXPECT_TRUE(holds(other, b, 30, 200));
    ASSERT_TRUE(map(first, 20, kFixed | kMapShared, a).ok());  // over both
    EXPECT_EQ(vm.read(kCpu0, first, a).release(), 0u);
    EXPECT_EQ(vm.read(kCpu0, first, a + 7 * kPageSize).release(), 0u);
    EXPECT_TRUE(holds(first, a + 20 * kPageSize, 10, 220));
    fill(first, a, 20, 400);
    EXPECT_TRUE(holds(other, b, 30, 200));
    EXPECT_EQ(map(first, 1, kMapShared | kMapAnonymous | kMapFixedNoReplace, a).error(), Error::Exists);
    EXPECT_EQ(charged(first) - charged(other), 20u) << "another object; what the replaced private pages cost is refunded";
}

// In a part of a private region that a leaf has for itself, and beside one.
TEST_F(SharedMemory, MapsOverDetachedLeaves) {
    const VirtualAddress a = vm.mmap(kCpu0, first, 4 * kLeafSize).release();
    fill(first, a, 4, 1);
    EXPECT_EQ(vm.munmap(kCpu0, first, a + 16 * kPageSize, 8 * kPageSize), Error::None);  // detaches
    ASSERT_TRUE(map(first, 4, kFlags | kMapFixed, a + 18 * kPageSize).ok());
    ASSERT_TRUE(map(first, 4, kFlags | kMapFixed, a + 2 * kPageSize).ok());
    fill(first, a + 18 * kPageSize, 4, 60);
    const ProcessId child = create();
    ASSERT_EQ(fork(first, child), Error::None);
    fill(first, a + 2 * kPageSize, 4, 70);
    EXPECT_TRUE(holds(child, a + 2 * kPageSize, 4, 70));
    EXPECT_TRUE(holds(child, a + 18 * kPageSize, 4, 60));
    fill(first, a, 2, 8);
    EXPECT_TRUE(holds(child, a, 2, 1)) << "private as before";
}

TEST_F(SharedMemory, MayCrossSegmentsAndBeLargerThanOneStep) {
    constexpr uint64_t kPages = 100 * kPagesPerLeaf;
    const ProcessId other = create(uint64_t{1} << 30);
    const ProcessId roomy = create(uint64_t{1} << 30);
    const VirtualAddress border{AddressLayout::kSlices.raw() - 50 * kLeafSize};
    ASSERT_TRUE(map(roomy, kPages, kFlags | kMapFixed, border).ok());
    for (uint64_t leaf = 0; leaf < 100; ++leaf) ASSERT_EQ(vm.write(kCpu0, roomy, border + leaf * kLeafSize, leaf), Error::None);
    const Message answer = remap(roomy, border, 50 * kPagesPerLeaf, other);
    ASSERT_EQ(answer.outcome(), Error::None);
    const VirtualAddress b{answer.words[1]};
    for (uint64_t leaf = 0; leaf < 50; ++leaf) ASSERT_EQ(vm.read(kCpu1, other, b + leaf * kLeafSize).release(), leaf);
    EXPECT_EQ(vm.munmap(kCpu0, roomy, border, kPages * kPageSize), Error::None);
    EXPECT_LT(charged(roomy), kPages) << "detached";
    EXPECT_EQ(vm.read(kCpu1, other, b + 49 * kLeafSize).release(), 49u);
    ASSERT_TRUE(map(roomy, kPages, kFlags | kMapFixed, border).ok());
    ASSERT_TRUE(map(roomy, kPages, kFlags | kMapFixed, border).ok()) << "over itself";
    EXPECT_EQ(vm.read(kCpu0, roomy, border).release(), 0u);
}

TEST_F(SharedMemory, EveryAttachmentPaysForAllOfIt) {
    const ProcessId poor = create(300), child = create(120);
    const uint64_t before = charged(poor);
    const VirtualAddress a = map(poor, 150).release();
    EXPECT_GE(charged(poor), before + 150);
    EXPECT_EQ(map(poor, 150).error(), Error::NoMemory);
    EXPECT_EQ(remap(poor, a, 10, poor).outcome(), Error::NoMemory);
    EXPECT_EQ(fork(poor, child), Error::NoMemory);
    const VirtualAddress b = given(poor, a + 20 * kPageSize, 1, first);
    EXPECT_GE(charged(first), 150u);
    EXPECT_EQ(vm.munmap(kCpu0, poor, a, 149 * kPageSize), Error::None);
    EXPECT_GE(charged(poor), 150u) << "some of it is still mapped";
    EXPECT_EQ(vm.munmap(kCpu0, poor, a + 149 * kPageSize, kPageSize), Error::None);
    EXPECT_LT(charged(poor), 150u);
    EXPECT_EQ(vm.munmap(kCpu0, first, b, kPageSize), Error::None);
    EXPECT_LT(charged(first), 150u);
}

TEST_F(SharedMemory, ReferencesAndIdentityAreTheObjects) {
    const ProcessId other = create();
    const VirtualAddress a = map(first, 4).release(), b = map(first, 4).release();
    const VirtualAddress c = given(first, a + kPageSize, 2, other);
    const Message of_a = references(first, a + 8), of_b = references(first, b), of_c = references(other, c);
    EXPECT_EQ(of_a.words[1], 2u);
    EXPECT_EQ(of_b.words[1], 1u);
    EXPECT_EQ(of_c.words[1], 2u);
    EXPECT_EQ(of_a.words[2], of_c.words[2]);
    EXPECT_NE(of_a.words[2], of_b.words[2]);
    const VirtualAddress plain = vm.mmap(kCpu0, first, kPageSize).release();
    EXPECT_EQ(references(first, plain).outcome(), Error::Invalid);
    EXPECT_EQ(references(first, a - kLeafSize).outcome(), Error::BadAddress);
    EXPECT_EQ(references(first, VirtualAddress{kUserTop}).outcome(), Error::BadAddress);
    EXPECT_EQ(references(ProcessId::of(60, 9), a).outcome(), Error::NoProcess);
    EXPECT_EQ(vm.call(kCpu0, first, VmCall::Getref, {{0, other.raw(), c.raw()}}, 0).outcome(), Error::Permission);
}

TEST_F(SharedMemory, RemapSaysWhatIsWrong) {
    const ProcessId other = create(), nobody = ProcessId::of(60, 9);
    const VirtualAddress a = map(first, 8).release(), plain = vm.mmap(kCpu0, first, 8 * kPageSize).release();
    const VirtualAddress at{uint64_t{7} << 30};
    for (const VmCall call : {VmCall::Remap, VmCall::RemapRo}) {
        EXPECT_EQ(remap(nobody, a, 1, other, {}, call).outcome(), Error::NoProcess);
        EXPECT_EQ(remap(first, a, 1, nobody, {}, call).outcome(), Error::NoProcess);
        EXPECT_EQ(remap(first, a, 0, other, {}, call).outcome(), Error::Invalid) << "no bytes";
        EXPECT_EQ(remap(first, a + 1, 1, other, {}, call).outcome(), Error::Invalid);
        EXPECT_EQ(remap(first, VirtualAddress{kUserTop - kPageSize}, 2, other, {}, call).outcome(), Error::BadAddress);
        EXPECT_EQ(remap(first, a, 9, other, {}, call).outcome(), Error::BadAddress) << "beyond its end";
        EXPECT_EQ(remap(first, a + kLeafSize * 64, 1, other, {}, call).outcome(), Error::BadAddress);
        EXPECT_EQ(remap(first, plain, 1, other, {}, call).outcome(), Error::Invalid) << "private memory";
        EXPECT_EQ(remap(first, a, 1, other, at + 1, call).outcome(), Error::Invalid);
        EXPECT_EQ(remap(first, a, 1, other, VirtualAddress{kPageSize}, call).outcome(), Error::Invalid) << "below all maps";
        EXPECT_EQ(vm.call(kCpu0, first, call, {{0, other.raw(), first.raw(), 0, a.raw(), kPageSize}}, 0).outcome(), Error::CallDenied);
    }
    EXPECT_EQ(remap(first, a, 2, other, at).words[1], at.raw());
    EXPECT_EQ(remap(first, a, 2, other, at + kPageSize).outcome(), Error::Exists);
    EXPECT_EQ(remap(first, a, 2, other, at + kPageSize, VmCall::RemapRo).outcome(), Error::Exists);
    EXPECT_EQ(references(first, a).words[1], 2u) << "what failed left nothing behind";
    const VirtualAddress twice = given(first, a, 8, first);
    fill(first, twice, 8, 3);
    EXPECT_TRUE(holds(first, a, 8, 3)) << "twice in one space";
    EXPECT_EQ(vm.mmap(kCpu0, first, 4 * kPageSize, kBoth, kFlags | kMapGrowsDown).error(), Error::Invalid);
}

TEST_F(SharedMemory, ShmUnmapTakesOneMapping) {
    const ProcessId other = create();
    const VirtualAddress a = map(first, 8).release();
    const VirtualAddress b = given(first, a, 8, other);
    fill(other, b, 8, 5);
    EXPECT_TRUE(holds(first, a, 8, 5));
    EXPECT_EQ(shm_unmap(other, b, 0), Error::Permission);
    EXPECT_EQ(shm_unmap(other, b + kPageSize), Error::BadAddress) << "not where it begins";
    EXPECT_EQ(vm.mprotect(kCpu0, other, b, 2 * kPageSize, kProtectRead), Error::None);
    EXPECT_EQ(shm_unmap(other, b), Error::None);
    EXPECT_EQ(shm_unmap(other, b), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu1, other, b + 7 * kPageSize).error(), Error::BadAddress) << "though parts of it were protected otherwise";
    EXPECT_EQ(shm_unmap(ProcessId{}, a), Error::None);
    EXPECT_EQ(vm.read(kCpu1, first, a).error(), Error::BadAddress);
    const VirtualAddress plain = vm.mmap(kCpu0, first, kPageSize).release();
    EXPECT_EQ(shm_unmap(ProcessId{}, plain), Error::BadAddress);
    EXPECT_EQ(shm_unmap(ProcessId::of(60, 9), a), Error::NoProcess);
}

// Whoever has a reference of its own keeps the frame when the object ends.
TEST_F(SharedMemory, CanBeSharedOn) {
    const ProcessId other = create();
    const VirtualAddress a = map(first, 20).release();
    fill(first, a, 10, 40);
    const Message shared = vm.call(kCpu0, first, VmCall::Share, {{0, first.raw(), a.raw(), 20 * kPageSize, other.raw()}});
    ASSERT_EQ(shared.outcome(), Error::None);
    fill(other, a + 10 * kPageSize, 10, 50);
    EXPECT_TRUE(holds(first, a, 20, 40));
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.munmap(kCpu0, first, a, 20 * kPageSize), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_TRUE(holds(other, a, 20, 40));
}

// Pages that another CPU has cached keep their frames until it has flushed them.
TEST_F(SharedMemory, FramesWaitForFlushes) {
    const VirtualAddress a = map(first, 64).release();
    fill(first, a, 64, 1);
    EXPECT_TRUE(holds(first, a, 64, 1, kCpu1));
    EXPECT_EQ(vm.munmap(kCpu0, first, a, 64 * kPageSize), Error::None);
    vm.settle();
    EXPECT_EQ(vm.read(kCpu1, first, a).error(), Error::BadAddress);
    EXPECT_EQ(vm.machine.stale_uses.load(), 0u);
}

TEST_F(SharedMemory, IsToldByInfo) {
    const VirtualAddress a = map(first, 3).release(), list = vm.mmap(kCpu0, first, kPageSize).release();
    const Message answer = vm.call(kCpu0, first, VmCall::Info, {{0, kInfoRegions, 0, list.raw(), kPageSize, a.raw()}});
    ASSERT_EQ(answer.outcome(), Error::None);
    EXPECT_EQ(vm.read(kCpu0, first, list).release(), a.raw());
    EXPECT_EQ(vm.read(kCpu0, first, list + offsetof(VmRegion, type)).release() & 0xffff'ffff, static_cast<uint64_t>(RegionType::Shared));
}

}  // namespace
}  // namespace shoal::vm::test
