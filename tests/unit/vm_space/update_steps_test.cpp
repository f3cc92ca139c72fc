// Swaps played step by step, beside what random runs meet too seldom: another swap of one of the two, a leaf that is being given up, willexit.
#include <gtest/gtest.h>

#include "abi/memory.hpp"
#include "servers/vm/requests/dispatcher.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "tests/support/vm/harness.hpp"
#include "tests/unit/vm_space/elf_file.hpp"

namespace shoal::vm::test {
namespace {

class UpdateSteps : public ::testing::Test {
  protected:
    static constexpr uint64_t kBoth = kProtectRead | kProtectWrite, kFlags = kMapPrivate | kMapAnonymous | kMapFixed;
    static constexpr VirtualAddress kNumberAt{0x4000'0000}, kMapAt{AddressLayout::kCommonMaps + kLeafSize};

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        for (const ProcessId process : {one, other}) EXPECT_EQ(vm.processes().find(process)->engagements, 0u);
        for (const ProcessId process : {one, other, third, rs}) EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
    }
    ProcessId instance(uint64_t number) {
        const ProcessId process = vm.create(kCpu0);
        EXPECT_TRUE(vm.mmap(kCpu0, process, kPageSize, kBoth, kFlags, kNumberAt).ok());
        EXPECT_EQ(vm.write(kCpu0, process, kNumberAt, number), Error::None);
        return process;
    }
    uint64_t number_of(ProcessId process) { return vm.read(kCpu0, process, kNumberAt).release(); }
    // The call is received, and nothing else happens. Its outcome; DoNotReply: it comes later.
    Error begin(CpuId cpu, ProcessId caller, VmCall call, const Message& arguments) {
        const std::lock_guard turn(vm.machine.turn(cpu));
        WorkerContext worker = vm.context(cpu);
        Receipt receipt;
        receipt.message = arguments;
        receipt.message.set_type(kVmCallBase + static_cast<uint32_t>(call));
        receipt.message.words[kVmCallerWord] = caller.raw() | kVmCallAllowed;
        worker.worker.epoch.enter_fenced();
        const Action action = dispatch(worker, receipt);
        worker.worker.epoch.leave();
        return action.kind == Action::Kind::None ? Error::DoNotReply : receipt.message.outcome();
    }
    void begin_swap(CpuId cpu, ProcessId source, ProcessId destination, uint64_t flags) {
        EXPECT_EQ(begin(cpu, rs, VmCall::RsUpdate, {{0, source.raw(), destination.raw(), flags}}), Error::DoNotReply);
    }
    // A CPU does what it can, the others nothing.
    void drive(CpuId cpu, unsigned turns = 50) {
        const std::lock_guard turn(vm.machine.turn(cpu));
        for (unsigned i = 0; i < turns; ++i) vm.pump(cpu);
    }
    void begin_trim() {
        const std::lock_guard turn(vm.machine.turn(kCpu0));
        WorkerContext worker = vm.context(kCpu0);
        vm.processes().shortage().begin();
        answer_shortage(worker);
    }
    // CPU 2's worker stays inside VM meanwhile, so that no grace period ends.
    void hold_graces() { vm.context(kCpu2).worker.epoch.enter_fenced(); }
    void let_graces_end() { vm.context(kCpu2).worker.epoch.leave(); }
    // As from the kernel, for a process; refused memory for anything. Error: why it is refused; DoNotReply: it waits.
    Error begin_without_memory(uint32_t type, ProcessId process) {
        class Nothing final : public Refills {
            platform::Refill next(CpuId) override { return platform::Refill::Refused; }
        } nothing;
        const std::lock_guard turn(vm.machine.turn(kCpu0));
        WorkerContext worker = vm.context(kCpu0);
        worker.slabs().drain();
        vm.machine.refills = &nothing;
        Receipt receipt;
        receipt.status = kFromKernel;
        receipt.message = {{0, kNumberAt.raw(), kNumberAt.raw(), 1, process.raw(), 0, kPageSize, process.raw()}};
        receipt.message.set_type(type);
        worker.worker.epoch.enter_fenced();
        const Action action = dispatch(worker, receipt);
        worker.worker.epoch.leave();
        vm.machine.refills = nullptr;
        return action.kind == Action::Kind::None ? Error::DoNotReply : action.error;
    }
    void drive_all() {
        for (const CpuId cpu : {kCpu0, kCpu1, kCpu2, kCpu0}) drive(cpu);
    }
    // While no grace period ends.
    void expect_that_it_ends(ProcessId process, bool ends) {
        ASSERT_EQ(begin(kCpu0, rs, VmCall::Willexit, {{0, process.raw()}}), Error::None);
        ASSERT_EQ(begin(kCpu0, rs, VmCall::Exit, {{0, process.raw()}}), Error::DoNotReply);
        drive_all();
        EXPECT_EQ(vm.processes().slot(process)->empty(), ends);
    }
    bool is_closed(ProcessId process) { return vm.processes().slot(process)->swapping(); }

    Harness vm{{.cpus = 3, .bytes = 8 << 20}};  // so little that who finds none waits for it
    const ProcessId rs = vm.create(kCpu0);
    const ProcessId one = instance(1), other = instance(2), third = instance(3);
};

// No grace period is waited for, now and when they end.
TEST_F(UpdateSteps, ASwapOfWhatOneWorkerAloneHasFoundWaitsForNoOther) {
    const ProcessId a = instance(4), b = instance(5);
    hold_graces();
    begin_swap(kCpu0, a, b, kUpdateNoMaps);
    drive_all();
    ASSERT_FALSE(is_closed(a) || is_closed(b));
    EXPECT_EQ(number_of(a), 5u);
    EXPECT_EQ(number_of(b), 4u);
    expect_that_it_ends(a, true);
    expect_that_it_ends(b, true);
    let_graces_end();
}

TEST_F(UpdateSteps, ASwapOfWhatAnotherWorkerHasFoundWaitsForAll) {
    const ProcessId a = instance(4), b = instance(5);
    ASSERT_EQ(vm.read(kCpu1, b, kNumberAt).release(), 5u);
    hold_graces();
    begin_swap(kCpu0, a, b, kUpdateNoMaps);
    drive_all();
    EXPECT_TRUE(is_closed(a) && is_closed(b));
    let_graces_end();
    vm.settle();
    EXPECT_EQ(number_of(a), 5u);
    hold_graces();
    expect_that_it_ends(a, false);
    expect_that_it_ends(b, false);
    let_graces_end();
    vm.settle();
}

// Whoever finds one of them in a step meanwhile may hold either.
TEST_F(UpdateSteps, WhatIsFoundInTheMiddleOfASwapIsFoundInBothPlaces) {
    for (const bool first : {false, true}) {
        const ProcessId a = instance(4), b = instance(5);
        hold_graces();
        begin_swap(kCpu0, a, b, kUpdateNoMaps);
        drive(kCpu0);
        ASSERT_TRUE(is_closed(a)) << "it waits for the other CPUs to drop their links";
        EXPECT_NE(vm.processes().find_in_step(first ? a : b, Finder{kCpu1}), nullptr);
        drive_all();
        ASSERT_FALSE(is_closed(a) || is_closed(b));
        EXPECT_EQ(number_of(a), 5u);
        expect_that_it_ends(a, false);
        expect_that_it_ends(b, false);
        let_graces_end();
        vm.settle();
    }
}

// An end is nobody's affair but the process': a file server that waits for work is not woken.
TEST_F(UpdateSteps, TheEndOfAProcessWakesNoFileServer) {
    const ProcessId a = instance(4), server = instance(5);
    ASSERT_EQ(begin(kCpu1, server, VmCall::VfsWait, {}), Error::DoNotReply);
    drive(kCpu1);
    ASSERT_EQ(begin(kCpu0, rs, VmCall::Willexit, {{0, a.raw()}}), Error::None);
    ASSERT_EQ(begin(kCpu0, rs, VmCall::Exit, {{0, a.raw()}}), Error::DoNotReply);
    for (unsigned turns = 0; turns < 4; ++turns) {
        drive(kCpu0);
        vm.machine.drive(kCpu1);  // its kernel alone
        vm.machine.acknowledge();
        drive(kCpu2);
    }
    ASSERT_TRUE(vm.processes().slot(a)->empty());
    EXPECT_FALSE(has_work(vm.context(kCpu1)));
    vm.settle();
    EXPECT_EQ(vm.exit(kCpu0, server), Error::None);
}

// Its first process is inherited from when it has changed places with the first one's second.
TEST_F(UpdateSteps, ASecondSwapOfOneOfThemWaitsForTheFirst) {
    ASSERT_TRUE(vm.mmap(kCpu0, other, 3 * kPageSize, kBoth, kFlags, kMapAt).ok());
    ASSERT_EQ(vm.write(kCpu1, other, kMapAt, 22), Error::None);
    begin_swap(kCpu1, other, third, 0);
    begin_swap(kCpu0, one, other, kUpdateNoMaps);
    drive(kCpu0);
    ASSERT_TRUE(is_closed(other)) << "it waits for the other CPUs' flush";
    drive(kCpu1, 1);
    vm.settle();
    EXPECT_EQ(number_of(one), 2u);
    EXPECT_EQ(number_of(other), 3u);
    EXPECT_EQ(number_of(third), 1u);
    EXPECT_EQ(vm.read(kCpu0, one, kMapAt).release(), 22u);
    for (const ProcessId process : {one, other, third}) {
        const Space& space = *vm.processes().find(process);
        EXPECT_FALSE(space.forking || space.arriving);
    }
}

// Its table goes while nobody finds its space, and it is nobody's leaf any more then.
TEST_F(UpdateSteps, ALeafThatIsBeingGivenUpGoes) {
    ASSERT_TRUE(vm.mmap(kCpu0, one, kPageSize, kBoth, kFlags, kMapAt).ok());
    for (const CpuId cpu : {kCpu0, kCpu1}) ASSERT_EQ(vm.write(cpu, one, kMapAt, 1), Error::None);
    ASSERT_EQ(vm.discard(kCpu0, one, kMapAt, kPageSize), Error::None);
    hold_graces();
    begin_trim();
    drive(kCpu0);
    ASSERT_TRUE(vm.processes().find(one)->leaves.find(kMapAt)->dead);
    begin_swap(kCpu0, one, other, kUpdateNoMaps);
    drive(kCpu0);
    ASSERT_TRUE(is_closed(one));
    let_graces_end();
    vm.settle();
    EXPECT_EQ(number_of(one), 2u);
    EXPECT_EQ(vm.processes().find(other)->leaves.find(kMapAt), nullptr);
    begin_trim();
    EXPECT_EQ(vm.audit(), 0u) << "it is paid for once";
    EXPECT_EQ(vm.write(kCpu1, other, kMapAt, 5), Error::None);
}

// Who had found it before it was closed says so.
TEST_F(UpdateSteps, WhoIsAboutToExitKeepsHisPlace) {
    Space& space = *vm.processes().find(one);
    hold_graces();
    begin_swap(kCpu0, one, other, kUpdateNoMaps);
    drive(kCpu0);
    ASSERT_TRUE(is_closed(one));
    space.announce_exit();
    let_graces_end();
    vm.settle();
    EXPECT_EQ(number_of(one), 1u);
    EXPECT_TRUE(vm.processes().find(one)->will_exit());
    EXPECT_FALSE(vm.processes().find(other)->will_exit());
}

// Should it run meanwhile.
TEST_F(UpdateSteps, ItMayNotMakeCallsThatHaveBeenTakenAway) {
    ASSERT_EQ(vm.call(kCpu0, rs, VmCall::RsSetPriv, {{0, one.raw(), 0}}).outcome(), Error::None);
    hold_graces();
    begin_swap(kCpu0, one, other, kUpdateNoMaps);
    drive(kCpu0);
    ASSERT_TRUE(is_closed(one));
    EXPECT_EQ(begin(kCpu0, one, VmCall::Willexit, {{0, third.raw()}}), Error::CallDenied);
    EXPECT_FALSE(vm.processes().find(third)->will_exit());
    let_graces_end();
    vm.settle();
    ASSERT_EQ(vm.call(kCpu0, rs, VmCall::RsSetPriv, {{0, other.raw(), ~uint64_t{0}}}).outcome(), Error::None);
}

// It is there, and so he waits for memory instead.
TEST_F(UpdateSteps, WhoFindsNoMemoryToWaitWithFindsTheProcessLater) {
    hold_graces();
    begin_swap(kCpu0, one, other, kUpdateNoMaps);
    drive(kCpu0);
    ASSERT_TRUE(is_closed(one));
    for (const uint32_t type : {kPageFault, kMemoryRequest, kMapRequest, kUnmapRequest}) EXPECT_EQ(begin_without_memory(type, one), Error::DoNotReply);
    let_graces_end();
    vm.settle();
    EXPECT_EQ(number_of(one), 2u);
}

// It would have gone on with the other instance.
TEST_F(UpdateSteps, WhatHasBegunKeepsBothInTheirPlaces) {
    const VirtualAddress shared = kMapAt, own = kMapAt + kPageSize;
    for (const ProcessId process : {one, other}) {
        ASSERT_TRUE(vm.mmap(kCpu0, process, kPageSize, kBoth, kMapShared | kMapAnonymous | kMapFixed, shared).ok());
        ASSERT_TRUE(vm.mmap(kCpu0, process, 2 * kPageSize, kBoth, kFlags, own).ok());
    }
    const struct {
        VmCall call;
        Message arguments;
    } works[] = {
        {VmCall::Procctl, {{0, one.raw(), kProcessTouch, own.raw(), 2 * kPageSize, kFaultWrite}}},
        {VmCall::RsMemctl, {{0, one.raw(), kMemoryMap, kPageSize}}},
        {VmCall::RsMemctl, {{0, one.raw(), kMemoryPin}}},
        {VmCall::Share, {{0, one.raw(), own.raw(), kPageSize, third.raw()}}},
        {VmCall::ShmUnmap, {{0, one.raw(), shared.raw()}}},
        {VmCall::Procctl, {{0, one.raw(), kProcessClear}}},
    };
    for (const auto& work : works) {
        ASSERT_EQ(begin(kCpu0, rs, work.call, work.arguments), Error::DoNotReply);
        begin_swap(kCpu1, one, other, kUpdateNoMaps);
        drive(kCpu1);
        EXPECT_FALSE(is_closed(one) || is_closed(other)) << static_cast<uint32_t>(work.call);
        vm.settle();
        ASSERT_EQ(number_of(other), 2u);
    }
    EXPECT_EQ(vm.read(kCpu0, one, kNumberAt).error(), Error::BadAddress);
}

TEST_F(UpdateSteps, AnImageComesIntoOneInstance) {
    const File file = good_file();
    const std::vector<uint64_t> words = contents_of(file);
    LoadRequest load{};
    load.process = one, load.source = third, load.image = kMapAt, load.image_bytes = file.bytes;
    const VirtualAddress at = kMapAt + kLeafSize;
    for (const VirtualAddress start : {kMapAt, at}) ASSERT_TRUE(vm.mmap(kCpu0, third, file.bytes, kBoth, kFlags, start).ok());
    const auto put = [&](VirtualAddress to, const void* from, uint64_t bytes) {
        for (uint64_t i = 0; i < bytes; i += 8) {
            uint64_t word = 0;
            memcpy(&word, static_cast<const char*>(from) + i, 8);
            ASSERT_EQ(vm.write(kCpu0, third, to + i, word), Error::None);
        }
    };
    put(kMapAt, words.data(), file.bytes), put(at, &load, sizeof load);
    ASSERT_EQ(begin(kCpu0, third, VmCall::Load, {{0, at.raw()}}), Error::DoNotReply);
    for (const ProcessId partner : {one, third}) {
        begin_swap(kCpu1, partner, other, kUpdateNoMaps);
        drive(kCpu1);
        EXPECT_FALSE(is_closed(partner));
    }
    vm.settle();
    EXPECT_EQ(vm.read(kCpu0, one, VirtualAddress{0x402000}).release(), words[0x2000 / 8]);
    EXPECT_EQ(vm.read(kCpu0, other, VirtualAddress{0x402000}).error(), Error::BadAddress);
}

// It is about who has the name now.
TEST_F(UpdateSteps, WhatHasNotBegunIsAboutTheNewInstance) {
    hold_graces();
    begin_swap(kCpu0, one, other, kUpdateNoMaps);
    drive(kCpu0);
    ASSERT_TRUE(is_closed(one));
    EXPECT_EQ(begin(kCpu1, rs, VmCall::Procctl, {{0, one.raw(), kProcessClear}}), Error::DoNotReply);
    let_graces_end();
    vm.settle();
    EXPECT_EQ(number_of(other), 1u);
    EXPECT_EQ(vm.read(kCpu0, one, kNumberAt).error(), Error::BadAddress);
}

// Getdma is for holds that nobody is left to end.
TEST_F(UpdateSteps, WhoIsBeingSwappedIsNotDead) {
    const VirtualAddress area = vm.mmap(kCpu0, one, kPageSize, kBoth, kMapPrivate | kMapAnonymous | kMapContiguous | kMapPopulate).release();
    const Message held = vm.call(kCpu0, one, VmCall::Adddma, {{0, area.raw(), kPageSize}});
    ASSERT_EQ(held.outcome(), Error::None);
    hold_graces();
    begin_swap(kCpu0, one, other, kUpdateNoMaps);
    drive(kCpu0);
    ASSERT_TRUE(is_closed(one));
    EXPECT_EQ(begin(kCpu1, rs, VmCall::Getdma, {}), Error::DoNotReply);
    let_graces_end();
    vm.settle();
    EXPECT_EQ(vm.call(kCpu0, rs, VmCall::Getdma, {}).outcome(), Error::NoEntry);
    EXPECT_EQ(vm.call(kCpu0, rs, VmCall::Deldma, {{0, one.raw(), held.words[1]}}).outcome(), Error::None);
}

// Nor is a process of generation 0, whatever its slot is like.
TEST_F(UpdateSteps, NobodyIsFoundInNoStep) {
    ProcessSlot empty;
    for (const ProcessId nobody : {ProcessId{0}, ProcessId{1}}) EXPECT_EQ(empty.find_in_step(nobody), nullptr);
}

}  // namespace
}  // namespace shoal::vm::test
