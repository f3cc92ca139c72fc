// What servers ask of a process' memory: emptying it for an exec, making it present, listing it.
#include <gtest/gtest.h>

#include "servers/vm/calls/detach.hpp"
#include "servers/vm/requests/dispatcher.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class Control : public ::testing::Test {
  protected:
    static constexpr uint64_t kBoth = kProtectRead | kProtectWrite, kPlain = kMapPrivate | kMapAnonymous;

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
        EXPECT_EQ(vm.exit(kCpu1, server), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
    }
    Error control(ProcessId whose, uint64_t what, VirtualAddress address = {}, uint64_t bytes = 0, uint64_t flags = 0) {
        return vm.call(kCpu1, server, VmCall::Procctl, {{0, whose.raw(), what, address.raw(), bytes, flags}}).outcome();
    }
    Error touch(VirtualAddress address, uint64_t bytes, uint64_t flags = 0) { return control(process, kProcessTouch, address, bytes, flags); }
    uint64_t resident() { return vm.usage(kCpu1, process).resident_pages; }
    FrameNumber frame_of(ProcessId whose, VirtualAddress at) {
        return vm.processes().find(whose)->leaves.find(at)->table().get(page_in_leaf(at)).frame();
    }

    struct Listing {
        Message answer;
        std::vector<VmRegion> regions;
    };
    Listing list(ProcessId asker, uint64_t room, VirtualAddress from = {}, ProcessId whose = {}, uint64_t allowed = kVmCallAllowed) {
        const VirtualAddress at = vm.mmap(kCpu1, server, 2 * kPageSize).release();
        const VirtualAddress into = asker == server ? at : vm.mmap(kCpu0, asker, 2 * kPageSize, kBoth, kPlain | kMapFixed, kAnswer).release();
        const Message arguments{{0, kInfoRegions, whose.raw(), into.raw(), room * sizeof(VmRegion), from.raw()}};
        Listing listing{vm.call(kCpu1, asker, VmCall::Info, arguments, allowed), {}};
        for (uint64_t i = 0; listing.answer.outcome() == Error::None && i < listing.answer.words[1]; ++i) {
            VmRegion region{};
            for (uint64_t word = 0; word < sizeof region / 8; ++word)
                reinterpret_cast<uint64_t*>(&region)[word] = vm.read(kCpu1, asker, into + i * sizeof region + word * 8).release();
            listing.regions.push_back(region);
        }
        (void)vm.munmap(kCpu1, server, at, 2 * kPageSize);
        return listing;
    }
    static constexpr VirtualAddress kAnswer{0x7000'0000'0000};

    Harness vm{{.cpus = 2}};
    const ProcessId process = vm.create(kCpu0), server = vm.create(kCpu1);
};

TEST_F(Control, ClearLeavesNothingAndAnImageCanBeLoadedAgain) {
    const VirtualAddress far{0x2345'6000'0000};
    const VirtualAddress a = vm.mmap(kCpu0, process, 700 * kPageSize).release(), b = vm.mmap(kCpu1, process, 64 * kLeafSize).release();
    ASSERT_EQ(vm.mmap(kCpu0, process, 3 * kPageSize, kBoth, kPlain | kMapFixed, far).release(), far);
    for (const VirtualAddress at : {a, a + 600 * kPageSize, b, b + 63 * kLeafSize, far}) ASSERT_EQ(vm.write(kCpu0, process, at, 1), Error::None);
    EXPECT_EQ(control(process, kProcessClear), Error::None);
    for (const VirtualAddress at : {a, a + 600 * kPageSize, b, b + 63 * kLeafSize, far}) {
        EXPECT_EQ(vm.read(kCpu0, process, at).error(), Error::BadAddress);
        EXPECT_EQ(vm.read(kCpu1, process, at).error(), Error::BadAddress);
    }
    EXPECT_EQ(vm.call(kCpu0, process, VmCall::Brk, {{0, 0x5000'0000}}).outcome(), Error::NoMemory) << "no image, no heap";
    EXPECT_EQ(resident(), 0u);
    EXPECT_EQ(control(process, kProcessClear), Error::None) << "once more, of almost nothing";
    EXPECT_EQ(vm.mmap(kCpu0, process, 3 * kPageSize, kBoth, kPlain | kMapFixedNoReplace, far).release(), far);
}

TEST_F(Control, ClearTakesWhatIsDetachedPinnedAndShared) {
    const VirtualAddress a = vm.mmap(kCpu0, process, 4 * kLeafSize).release();
    ASSERT_EQ(vm.write(kCpu0, process, a + kLeafSize, 1), Error::None);
    ASSERT_EQ(vm.mprotect(kCpu0, process, a + kLeafSize + kPageSize, kPageSize, kProtectRead), Error::None);
    ASSERT_NE(next_detached(*vm.processes().find(process), VirtualRange::of(a, 4 * kLeafSize)), nullptr);
    const VirtualAddress pinned = vm.mmap(kCpu0, process, 20 * kPageSize, kBoth, kPlain | kMapPopulate | kMapContiguous).release();
    ASSERT_EQ(vm.call(kCpu1, server, VmCall::Share, {{0, process.raw(), a.raw() + kLeafSize, kPageSize, server.raw()}}).outcome(), Error::None);
    EXPECT_EQ(control(process, kProcessClear), Error::None);
    EXPECT_EQ(resident(), 0u);
    EXPECT_EQ(vm.read(kCpu0, process, pinned).error(), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu1, server, a + kLeafSize).release(), 1u) << "who shares it keeps it";
}

// One region in place of many, while their leaves are visited.
TEST_F(Control, TheAuditHoldsWhileManyRegionsGo) {
    const VirtualAddress first{0x4000'0000};
    for (uint64_t i = 0; i < 40; ++i) {
        const VirtualAddress at = first + i * 4 * kLeafSize;
        ASSERT_TRUE(vm.mmap(kCpu0, process, 3 * kLeafSize, kBoth, kPlain | kMapFixed, at).ok());
        for (uint64_t leaf = 0; leaf < 3; ++leaf) ASSERT_EQ(vm.write(kCpu0, process, at + leaf * kLeafSize, 1), Error::None);
    }
    WorkerContext worker = vm.context(kCpu0);
    Exchange exchange;
    exchange.message = {{0, process.raw(), kProcessClear}};
    exchange.message.words[kVmCallerWord] = server.raw() | kVmCallAllowed;
    exchange.message.set_type(kVmCallBase + static_cast<uint32_t>(VmCall::Procctl));
    ASSERT_EQ(dispatch(worker, exchange).kind, Action::Kind::None);
    (void)work(worker, exchange);
    AuditReport report;
    audit_everything(worker, report);
    EXPECT_EQ(report.found(), 0u);
    vm.settle();
    EXPECT_EQ(resident(), 0u);
}

TEST_F(Control, TouchMakesPresent) {
    const VirtualAddress a = vm.mmap(kCpu0, process, 700 * kPageSize).release();
    EXPECT_EQ(touch(a + 100, 300 * kPageSize), Error::None);
    EXPECT_EQ(resident(), 301u) << "every page that a byte lies in";
    EXPECT_EQ(touch(a, 700 * kPageSize, kFaultWrite), Error::None);
    EXPECT_EQ(resident(), 700u);
}

TEST_F(Control, TouchForWritingEndsCopyOnWrite) {
    const VirtualAddress a = vm.mmap(kCpu0, process, kPageSize).release();
    ASSERT_EQ(vm.write(kCpu0, process, a, 5), Error::None);
    const ProcessId copy = vm.create(kCpu1);
    ASSERT_EQ(vm.call(kCpu1, server, VmCall::Fork, {{0, process.raw(), copy.raw()}}).outcome(), Error::None);
    EXPECT_EQ(touch(a, 8), Error::None);
    EXPECT_EQ(frame_of(process, a), frame_of(copy, a));
    EXPECT_EQ(touch(a, 8, kFaultWrite), Error::None);
    EXPECT_NE(frame_of(process, a), frame_of(copy, a));
    EXPECT_EQ(vm.read(kCpu1, copy, a).release(), 5u);
    EXPECT_EQ(vm.exit(kCpu1, copy), Error::None);
}

TEST_F(Control, TouchSaysWhatIsInTheWay) {
    const VirtualAddress a = vm.mmap(kCpu0, process, 4 * kPageSize, kProtectRead).release();
    EXPECT_EQ(touch(a, kPageSize, kFaultWrite), Error::AccessDenied);
    EXPECT_EQ(touch(a + 2 * kPageSize, 4 * kPageSize), Error::BadAddress);
    EXPECT_EQ(touch(a, 0), Error::Invalid);
    EXPECT_EQ(touch(VirtualAddress{kUserTop}, 8), Error::BadAddress);
    EXPECT_EQ(touch(a, ~uint64_t{0}), Error::BadAddress);
    EXPECT_EQ(control(process, 77), Error::Invalid);
    EXPECT_EQ(control(ProcessId::of(60, 1), kProcessClear), Error::NoProcess);
    EXPECT_EQ(vm.call(kCpu1, server, VmCall::Procctl, {{0, process.raw(), kProcessClear}}, 0).outcome(), Error::CallDenied);
    const ProcessId poor = vm.create(kCpu0, 40);
    const VirtualAddress b = vm.mmap(kCpu0, poor, 100 * kPageSize).release();
    EXPECT_EQ(control(poor, kProcessTouch, b, 100 * kPageSize), Error::NoMemory);
    EXPECT_EQ(vm.exit(kCpu0, poor), Error::None);
}

TEST_F(Control, RegionsAreListedInOrder) {
    const VirtualAddress a{0x4000'0000}, b{0x5000'0000}, c{0x6000'0000}, d{0x6100'0000};
    (void)vm.mmap(kCpu0, process, 3 * kPageSize, kBoth, kPlain | kMapFixed, a);
    (void)vm.mmap(kCpu0, process, 5 * kPageSize, kProtectRead, kPlain | kMapFixed | kMapGrowsDown, b);
    (void)vm.mmap(kCpu0, process, kPageSize, kBoth, kPlain | kMapPopulate | kMapContiguous | kMapFixedNoReplace, c);
    (void)vm.mmap(kCpu0, process, 4 * kLeafSize, kBoth, kPlain | kMapFixed, d);
    const Listing all = list(server, 64, {}, process);
    ASSERT_EQ(all.answer.outcome(), Error::None);
    ASSERT_EQ(all.regions.size(), 4u);
    EXPECT_EQ(all.answer.words[2], AddressLayout::kTop.raw());
    EXPECT_EQ(all.regions[0].range, VirtualRange::of(a, 3 * kPageSize));
    EXPECT_EQ(all.regions[1].range, VirtualRange::of(b, 5 * kPageSize));
    EXPECT_EQ(all.regions[1].flags, kRegionGrowsDown);
    EXPECT_EQ(all.regions[1].protection, kProtectRead);
    EXPECT_EQ(all.regions[2].type, RegionType::Contiguous);
    EXPECT_EQ(all.regions[3].protection, kBoth);
    // Changed in one leaf, it is told in pieces.
    ASSERT_EQ(vm.mprotect(kCpu0, process, d + kLeafSize + kPageSize, kPageSize, kProtectRead), Error::None);
    EXPECT_EQ(list(server, 64, d, process).regions.size(), 5u);
}

TEST_F(Control, AListGoesOnWhereItEnded) {
    const VirtualAddress first{0x4000'0000};
    for (uint64_t i = 0; i < 100; ++i) (void)vm.mmap(kCpu0, process, kPageSize, kBoth, kPlain | kMapFixed, first + i * 2 * kPageSize);
    const Listing one = list(server, 1, {}, process);
    ASSERT_EQ(one.regions.size(), 1u);
    EXPECT_EQ(one.answer.words[2], (first + 2 * kPageSize).raw());
    const Listing most = list(server, 200, first + 2 * kPageSize, process);
    ASSERT_EQ(most.regions.size(), VmRegion::kMostAtOnce);
    EXPECT_EQ(most.answer.words[2], (first + 65 * 2 * kPageSize).raw());
    const Listing rest = list(server, 200, VirtualAddress{most.answer.words[2]}, process);
    EXPECT_EQ(rest.regions.size(), 35u);
    EXPECT_EQ(list(server, 200, AddressLayout::kTop, process).regions.size(), 0u);
    EXPECT_EQ(list(server, 200, VirtualAddress{~uint64_t{0}}, process).regions.size(), 0u);
}

TEST_F(Control, OthersMappingsAreNotForEverybody) {
    EXPECT_EQ(list(server, 4, {}, process, 0).answer.outcome(), Error::Permission);
    EXPECT_EQ(list(server, 4, {}, server, 0).answer.outcome(), Error::None);
    EXPECT_EQ(list(server, 0, {}, process).answer.outcome(), Error::Invalid);
    EXPECT_EQ(list(server, 4, {}, ProcessId::of(60, 1)).answer.outcome(), Error::NoProcess);
    const Listing own = list(process, 4);
    EXPECT_EQ(own.answer.outcome(), Error::None);
    ASSERT_EQ(own.regions.size(), 1u);
    EXPECT_EQ(own.regions[0].range.start, kAnswer);
}

}  // namespace
}  // namespace shoal::vm::test
