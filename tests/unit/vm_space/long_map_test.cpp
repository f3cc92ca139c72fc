// Maps over several segments: all of it or nothing, to other threads of the process too.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/vm/harness.hpp"
#include "tests/support/vm/lock_stop.hpp"

namespace shoal::vm::test {
namespace {

constexpr uint64_t kNew = kMapAnonymous | kMapPrivate | kMapFixedNoReplace;

class LongMap : public ::testing::Test {
  protected:
    void TearDown() override { EXPECT_EQ(vm.audit(), 0u); }
    Segment& segment(uint32_t index) { return *vm.processes().find(process)->segment(index); }
    // CPU 0's map over both segments, stopped when the first has its region; CPU 1 touches that meanwhile.
    void run(Error& mapped, Error& touched) {
        std::thread map, touch;
        LockStop stop(kCpu0);
        {
            WorkerContext holder = vm.context(kCpu2);
            Segment::Guard guard(holder.locks(), segment(1).lock);
            map = std::thread([&] { mapped = vm.mmap(kCpu0, process, range.size(), kProtectRead | kProtectWrite, kNew, range.start).error(); });
            ASSERT_TRUE(stop.reached());
        }
        ASSERT_EQ(segment(0).lookup(range.start).outcome, Lookup::Found);
        std::atomic<bool> answered{false};
        touch = std::thread([&] {
            touched = vm.write(kCpu1, process, range.start, 7);
            answered = true;
        });
        while (!answered && !waiting()) std::this_thread::yield();
        EXPECT_FALSE(answered);
        stop.release();
        map.join();
        touch.join();
    }

    Harness vm{{.cpus = 3}};
    const ProcessId process = vm.create(kCpu0);
    const VirtualRange range{AddressLayout::kSlices - kLeafSize, AddressLayout::kSlices + kLeafSize};

  private:
    bool waiting() {
        WorkerContext looker = vm.context(kCpu2);
        Segment::Guard guard(looker.locks(), segment(0).lock);
        return segment(0).waiting != nullptr;
    }
};

TEST_F(LongMap, WhatIsTouchedBeforeItFailsIsNotThere) {
    const VirtualAddress in_the_way = range.end - kPageSize;
    ASSERT_EQ(vm.mmap(kCpu0, process, kPageSize, kProtectRead, kNew, in_the_way).release(), in_the_way);
    Error mapped = Error::None, touched = Error::None;
    run(mapped, touched);
    EXPECT_EQ(mapped, Error::Exists);
    EXPECT_EQ(touched, Error::BadAddress);
    EXPECT_EQ(vm.audit(), 0u);
    ASSERT_EQ(vm.mmap(kCpu0, process, kPageSize, kProtectRead, kNew, range.start).release(), range.start);
    EXPECT_EQ(vm.read(kCpu1, process, range.start).release(), 0u);
}

TEST_F(LongMap, WhatIsTouchedBeforeItSucceedsWaits) {
    ASSERT_EQ(vm.mmap(kCpu0, process, kPageSize, kProtectRead, kNew, range.end).release(), range.end);  // the segment is there
    Error mapped = Error::Invalid, touched = Error::Invalid;
    run(mapped, touched);
    EXPECT_EQ(mapped, Error::None);
    EXPECT_EQ(touched, Error::None);
    EXPECT_EQ(vm.read(kCpu0, process, range.start).release(), 7u);
}

}  // namespace
}  // namespace shoal::vm::test
