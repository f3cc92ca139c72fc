// A range operation that has begun ends, whatever others take meanwhile: nothing is left half done.
#include <gtest/gtest.h>

#include <mutex>
#include <vector>

#include "servers/vm/calls/range_operation.hpp"
#include "servers/vm/requests/dispatcher.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

constexpr VirtualAddress kBase{AddressLayout::kCommonMaps.raw() + (uint64_t{1} << 40)};

// Takes every frame, region and run that CPU 0 can get, its stocks too, without letting anything else happen.
class Thief {
  public:
    explicit Thief(Harness& vm) : vm_(vm) {
        for (uint32_t cpu = 0; cpu < vm.machine.cpus(); ++cpu)
            while (vm.arena().worker(cpu).frames.ensure(1).ok())
                frames_.push_back(vm.arena().worker(cpu).frames.allocate_reserved());
        while (slabs().ensure_from_stock<Region>(1).ok())
            regions_.push_back(slabs().obtain_reserved<Region>());
        while (slabs().ensure_from_stock<shoal::vm::Run>(1).ok())
            runs_.push_back(slabs().create_reserved<shoal::vm::Run>(PageSpan{0, 1}, PageState{}, uint64_t{0}));
    }
    ~Thief() {
        for (Region* region : regions_) slabs().give_back(region);
        for (shoal::vm::Run* run : runs_) slabs().destroy(run);
        for (const FrameNumber frame : frames_) vm_.arena().worker(0).frames.free(frame);
    }
    Thief(const Thief&) = delete;
    Thief& operator=(const Thief&) = delete;

  private:
    SlabCaches& slabs() { return vm_.arena().worker(0).slabs; }
    Harness& vm_;
    std::vector<FrameNumber> frames_;
    std::vector<Region*> regions_;
    std::vector<shoal::vm::Run*> runs_;
};

class RangeEnd : public ::testing::Test {
  protected:
    void TearDown() override { EXPECT_EQ(vm.audit(), 0u); }
    // The call's first step, on CPU 0.
    void begin(VmCall number, const Message& arguments) {
        std::lock_guard turn(vm.machine.turn(kCpu0));
        WorkerContext worker = vm.context(kCpu0);
        Exchange exchange;
        exchange.message = arguments;
        exchange.message.set_type(kVmCallBase + static_cast<uint32_t>(number));
        exchange.message.set_source(Endpoint{0x4000'0000});  // nobody's
        exchange.message.words[kVmCallerWord] = process.raw() | kVmCallAllowed;
        worker.worker.epoch.enter_fenced();
        ASSERT_EQ(dispatch(worker, exchange).kind, Action::Kind::None);
        worker.worker.epoch.leave();
    }
    void drive() {
        for (unsigned i = 0; i < 500; ++i) {
            const CpuId cpu = CpuId::from(i % 2);
            std::lock_guard turn(vm.machine.turn(cpu));
            vm.pump(cpu);
        }
    }
    RegionView region_at(VirtualAddress address) { return vm.processes().find(process)->find_segment(address)->lookup(address); }
    void map_at(VirtualAddress address, uint64_t bytes) {
        ASSERT_EQ(vm.mmap(kCpu0, process, bytes, kProtectRead | kProtectWrite,
                          kMapAnonymous | kMapPrivate | kMapFixedNoReplace, address).release(), address);
    }

    // More than one step goes through, from kBase on.
    void touch_leaves(unsigned leaves) {
        for (unsigned i = 0; i < leaves; ++i) ASSERT_EQ(vm.write(kCpu1, process, kBase + i * kLeafSize, 1), Error::None);
    }

    Harness vm{{.cpus = 2, .bytes = 16 << 20}};
    const ProcessId process = vm.create(kCpu0);
};

// The last leaf's run has to be split when no run is left.
TEST_F(RangeEnd, AProtectionOfManyLeaves) {
    const VirtualAddress border = kBase + 70 * kLeafSize + 8 * kPageSize;
    map_at(kBase, border - kBase);
    map_at(border, 8 * kPageSize);
    touch_leaves(70);
    for (VirtualAddress at = border - 4 * kPageSize; at < border + 4 * kPageSize; at = at + kPageSize)
        ASSERT_EQ(vm.write(kCpu1, process, at, 1), Error::None);
    begin(VmCall::Mprotect, {{0, kBase.raw(), border - kBase, kProtectRead}});
    ASSERT_EQ(region_at(kBase).attributes.work, RegionWork::Changing);
    {
        const Thief thief(vm);
        drive();
        EXPECT_EQ(region_at(kBase).attributes.work, RegionWork::None);
    }
    EXPECT_EQ(vm.write(kCpu1, process, border - kPageSize, 2), Error::AccessDenied);
    EXPECT_EQ(vm.write(kCpu1, process, border, 2), Error::None);
}

// Each segment needs a region when none is left.
TEST_F(RangeEnd, AFixedMapOverSegments) {
    const Space& space = *vm.processes().find(process);
    const VirtualAddress last = space.layout().segment_range(2).start;
    const VirtualAddress start = AddressLayout::kSlices - kLeafSize;
    const VirtualRange range{start, last + kLeafSize};
    map_at(start, kPageSize);
    ASSERT_EQ(vm.write(kCpu1, process, start, 1), Error::None);
    begin(VmCall::Mmap, {{0, start.raw(), range.size(), kProtectRead, kMapAnonymous | kMapPrivate | kMapFixed}});
    {
        const Thief thief(vm);
        drive();
        EXPECT_EQ(region_at(last).outcome, Lookup::Found);
        EXPECT_EQ(region_at(last).attributes.work, RegionWork::None);
    }
    EXPECT_EQ(vm.read(kCpu0, process, start).release(), 0u);
    EXPECT_EQ(vm.read(kCpu0, process, last).release(), 0u);
    EXPECT_EQ(vm.munmap(kCpu0, process, range.start, range.size()), Error::None);
}

// All of its ends and holes, with maps that reach beyond both ends of a large part.
TEST_F(RangeEnd, AnUnmappingOfManyLeaves) {
    map_at(kBase, 70 * kLeafSize);
    map_at(kBase + 70 * kLeafSize, 70 * kLeafSize);
    touch_leaves(140);
    begin(VmCall::Munmap, {{0, (kBase + kLeafSize).raw(), 138 * kLeafSize}});
    ASSERT_EQ(region_at(kBase + kLeafSize).attributes.work, RegionWork::Unmapping);
    {
        const Thief thief(vm);
        drive();
        EXPECT_EQ(region_at(kBase + kLeafSize).outcome, Lookup::Absent);
    }
    EXPECT_EQ(vm.read(kCpu1, process, kBase).release(), 1u);
    EXPECT_EQ(vm.munmap(kCpu0, process, AddressLayout::kLowest, AddressLayout::kTop - AddressLayout::kLowest), Error::None);
    EXPECT_EQ(vm.read(kCpu1, process, kBase).error(), Error::BadAddress);
}

// Steps of so many pages as end with the range itself.
TEST(RangeSteps, OneThatEndsWithTheRangeFinishesIt) {
    constexpr uint64_t kBytes = 4 * RangeOperation::kMostLeavesAtOnce * kLeafSize;
    constexpr uint64_t kExactly = kMapPrivate | kMapAnonymous | kMapFixed | kMapPopulate;
    Harness large{{.cpus = 2, .bytes = 64 << 20}};
    const ProcessId owner = large.create(kCpu0);
    const auto fill = [&] { return large.mmap(kCpu0, owner, kBytes, kProtectRead | kProtectWrite, kExactly, kBase).ok(); };
    ASSERT_TRUE(fill());
    EXPECT_EQ(large.mprotect(kCpu0, owner, kBase, kBytes, kProtectRead), Error::None);
    EXPECT_EQ(large.write(kCpu0, owner, kBase + kBytes - kPageSize, 1), Error::AccessDenied);
    EXPECT_EQ(large.munmap(kCpu0, owner, kBase, kBytes), Error::None);
    EXPECT_TRUE(fill()) << "nothing is marked any more";
    EXPECT_EQ(large.write(kCpu0, owner, kBase + kBytes - kPageSize, 1), Error::None);
    EXPECT_EQ(large.audit(), 0u);
}

}  // namespace
}  // namespace shoal::vm::test
