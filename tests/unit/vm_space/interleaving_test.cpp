// Orders of events that random runs meet too seldom: a fault has found region and leaf without a lock, and is overtaken by a
// whole other operation before it has the leaf's lock; a lookup is overtaken by a change; two workers want one frame's list.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <new>
#include <thread>

#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "tests/support/vm/harness.hpp"
#include "tests/support/vm/lock_stop.hpp"
#include "tests/unit/vm_space/by.hpp"

namespace shoal::vm::test {
namespace {

class Interleaving : public ::testing::TestWithParam<By> {
  protected:
    // The leaf is there, known to CPU 0 only; its second page is empty.
    void SetUp() override {
        ASSERT_EQ(vm.write(kCpu0, process, at, 1), Error::None);
        ASSERT_FALSE(leaf()->granted().empty());
        if (GetParam() == By::Region) leaf()->grant({});
    }
    void TearDown() override { EXPECT_EQ(vm.audit(), 0u); }

    // CPU 1's fault, stopped before it has the leaf's lock.
    void begin_fault(Error& error) {
        WorkerContext holder = vm.context(kCpu2);
        Guard guard(holder.locks(), leaf()->lock);
        fault = std::thread([this, &error] { error = vm.write(kCpu1, process, empty, 7); });
        ASSERT_TRUE(stop.reached());
    }
    void end_fault() {
        stop.release();
        fault.join();
    }
    Leaf* leaf() { return vm.processes().find(process)->leaves.find(at); }
    // CPU 0 does what it can, the others nothing.
    void drive_cpu0() {
        std::lock_guard turn(vm.machine.turn(kCpu0));
        for (unsigned i = 0; i < 50; ++i) vm.pump(kCpu0);
    }
    void begin_trim() {
        std::lock_guard turn(vm.machine.turn(kCpu0));
        WorkerContext worker = vm.context(kCpu0);
        vm.processes().shortage().begin();
        answer_shortage(worker);
    }

    Harness vm{{.cpus = 3}};
    const ProcessId process = vm.create(kCpu0);
    const VirtualAddress at = vm.mmap(kCpu0, process, 4 * kPageSize).release();
    const VirtualAddress empty = at + kPageSize;
    LockStop stop{kCpu1};
    std::thread fault;
};

INSTANTIATE_TEST_SUITE_P(LookedUp, Interleaving, ::testing::Values(By::Grant, By::Region));

TEST_P(Interleaving, AnUnmapThatOvertakesAFaultLeavesNothingBehind) {
    Error error = Error::None;
    begin_fault(error);
    EXPECT_EQ(vm.munmap(kCpu0, process, at, 4 * kPageSize), Error::None);
    end_fault();
    EXPECT_EQ(error, Error::BadAddress);
    EXPECT_EQ(leaf()->resident, 0u);
}

TEST_P(Interleaving, AProtectionThatOvertakesAFaultBindsIt) {
    Error error = Error::None;
    begin_fault(error);
    EXPECT_EQ(vm.mprotect(kCpu0, process, at, 4 * kPageSize, kProtectRead), Error::None);
    end_fault();
    EXPECT_EQ(error, Error::AccessDenied);
}

TEST_P(Interleaving, AFixedMapThatOvertakesAFaultBindsIt) {
    Error error = Error::None;
    begin_fault(error);
    EXPECT_TRUE(vm.mmap(kCpu0, process, 4 * kPageSize, kProtectRead, kMapAnonymous | kMapPrivate | kMapFixed, at).ok());
    end_fault();
    EXPECT_EQ(error, Error::AccessDenied);
}

// The fault finds the leaf in the map when that is marked already, and gets its lock when it is out of the map.
TEST_P(Interleaving, AFaultThatFoundADeadLeafMakesANewOne) {
    ASSERT_EQ(vm.discard(kCpu0, process, at, kPageSize), Error::None);
    const Leaf* const first = leaf();
    vm.context(kCpu2).worker.epoch.enter_fenced();  // holds the first grace period up
    begin_trim();
    drive_cpu0();
    ASSERT_TRUE(first->dead);
    ASSERT_EQ(leaf(), first);
    Error error = Error::None;
    begin_fault(error);
    vm.context(kCpu2).worker.epoch.leave();
    drive_cpu0();
    ASSERT_EQ(leaf(), nullptr);
    end_fault();
    EXPECT_EQ(error, Error::None);
    EXPECT_EQ(vm.read(kCpu0, process, empty).release(), 7u);
}

// An unmapping of two leaves waits for the second one: what it has done with the first one nobody may undo.
TEST_P(Interleaving, NothingComesBackBehindAnUnmapUnderWay) {
    constexpr auto kFlags = kMapAnonymous | kMapPrivate | kMapFixed;
    const VirtualAddress first{uint64_t{1} << 30}, second = first + kLeafSize;
    ASSERT_TRUE(vm.mmap(kCpu0, process, 2 * kLeafSize, kProtectRead | kProtectWrite, kFlags, first).ok());
    ASSERT_EQ(vm.write(kCpu1, process, first, 1), Error::None);
    ASSERT_EQ(vm.write(kCpu1, process, second, 1), Error::None);
    std::thread unmap;
    {
        WorkerContext holder = vm.context(kCpu2);
        Guard guard(holder.locks(), vm.processes().find(process)->leaves.find(second)->lock);
        unmap = std::thread([&] { EXPECT_EQ(vm.munmap(kCpu1, process, first, 2 * kLeafSize), Error::None); });
        EXPECT_TRUE(stop.reached());
    }
    EXPECT_EQ(vm.write(kCpu0, process, first + kPageSize, 1), Error::BadAddress);
    stop.release();
    unmap.join();
}

// Ranges of more leaves than go into one batch stay marked while CPU 1 has not acknowledged the first of them.
class MarkedRange : public Interleaving {
  protected:
    static constexpr uint64_t kBytes = (FlushBatch::kMaxLeaves + 8) * kLeafSize;
    static constexpr VirtualAddress kFirst{uint64_t{1} << 30}, kLast = kFirst + (kBytes - kPageSize);
    void SetUp() override {
        constexpr auto kFlags = kMapAnonymous | kMapPrivate | kMapFixed;
        ASSERT_TRUE(vm.mmap(kCpu0, process, kBytes, kProtectRead | kProtectWrite, kFlags, kFirst).ok());
        for (uint64_t offset = 0; offset < kBytes; offset += kLeafSize)
            ASSERT_EQ(vm.write(kCpu1, process, kFirst + offset, 1), Error::None);
    }
    // Calls change() on a thread of its own, then meanwhile() when the range is marked.
    template <typename Change, typename Meanwhile>
    void beside(Change change, Meanwhile meanwhile) {
        std::unique_lock busy_elsewhere(vm.machine.turn(kCpu1));
        std::thread changing(change);
        while (!vm.machine.busy(kCpu1)) std::this_thread::yield();
        meanwhile();
        busy_elsewhere.unlock();
        changing.join();
    }
};

TEST_F(MarkedRange, WhoChangesItWaitsAndIsSentOn) {
    std::atomic<bool> answered{false};
    std::thread after;
    beside([&] { EXPECT_EQ(vm.mprotect(kCpu0, process, kFirst, kBytes, kProtectRead), Error::None); }, [&] {
        after = std::thread([&] {
            EXPECT_EQ(vm.mprotect(kCpu2, process, kLast, kPageSize, kProtectRead | kProtectWrite), Error::None);
            answered = true;
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        EXPECT_FALSE(answered);
    });
    after.join();
    EXPECT_EQ(vm.write(kCpu0, process, kLast, 7), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, kFirst, 7), Error::AccessDenied);
}

TEST_F(MarkedRange, WhatIsBeingUnmappedIsGoneAlready) {
    std::thread calls;
    beside([&] { EXPECT_EQ(vm.munmap(kCpu0, process, kFirst, kBytes), Error::None); }, [&] {
        calls = std::thread([&] {
            EXPECT_EQ(vm.write(kCpu2, process, kLast, 7), Error::BadAddress);
            EXPECT_EQ(vm.mprotect(kCpu2, process, kLast, kPageSize, kProtectRead), Error::BadAddress);
            EXPECT_EQ(vm.discard(kCpu2, process, kLast, kPageSize), Error::BadAddress);
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    });
    calls.join();
}

// CPU 0 has changed the region and not yet the page; CPU 2 may have cached what the page allows; CPU 1 wants the new right.
TEST(Protection, AFaultBesideItTakesNoRightAwayUnflushed) {
    Harness vm{{.cpus = 3}};
    const ProcessId process = vm.create(kCpu0);
    const VirtualAddress at = vm.mmap(kCpu0, process, 2 * kPageSize, kProtectRead | kProtectExecute).release();
    ASSERT_EQ(vm.mprotect(kCpu0, process, at + kPageSize, kPageSize, kProtectRead), Error::None);  // so that it is not the short way
    ASSERT_EQ(vm.execute(kCpu2, process, at), Error::None);
    LockStop protecting{kCpu0}, writing{kCpu1};
    std::thread protection, fault;
    {
        WorkerContext holder = vm.context(kCpu1);
        Guard guard(holder.locks(), vm.processes().find(process)->leaves.find(at)->lock);
        protection = std::thread([&] {
            EXPECT_EQ(vm.mprotect(kCpu0, process, at, 2 * kPageSize, kProtectRead | kProtectWrite), Error::None);
        });
        ASSERT_TRUE(protecting.reached());
    }
    fault = std::thread([&] { EXPECT_EQ(vm.write(kCpu1, process, at, 1), Error::None); });
    EXPECT_TRUE(writing.reached());  // at the segment
    protecting.release();
    protection.join();
    writing.release();
    fault.join();
    EXPECT_EQ(vm.execute(kCpu2, process, at), Error::AccessDenied);
    EXPECT_EQ(vm.audit(), 0u);
}

// A page that the host lets nobody touch; the first touch does something, and is then let go on.
class Tripwire {
  public:
    explicit Tripwire(std::function<void()> on_touch) {
        page_ = mmap(nullptr, kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        action = [page = page_, on_touch] {
            mprotect(page, kPageSize, PROT_READ | PROT_WRITE);
            on_touch();
        };
    }
    ~Tripwire() {
        if (armed_) sigaction(SIGSEGV, &before_, nullptr);
        munmap(page_, kPageSize);
    }
    Tripwire(const Tripwire&) = delete;
    Tripwire& operator=(const Tripwire&) = delete;
    [[nodiscard]] void* page() const { return page_; }
    void arm() {
        struct sigaction touched {};
        touched.sa_handler = [](int) { action(); };
        sigaction(SIGSEGV, &touched, &before_);
        armed_ = true;
        mprotect(page_, kPageSize, PROT_NONE);
    }

  private:
    static inline std::function<void()> action;
    void* page_;
    bool armed_ = false;
    struct sigaction before_ {};
};

TEST(Lookup, AChangeThatOvertakesItsSearchDisturbsIt) {
    constexpr VirtualRange kWhole{VirtualAddress{1 << 20}, VirtualAddress{2 << 20}};
    constexpr VirtualAddress kMiddle{3 << 19};
    Segment segment(kWhole);
    Region* region = nullptr;
    Tripwire wire([&] {  // as another CPU would, between the lookup's first look at the version and its search
        Segment::Change change(segment);
        segment.resize_end(*region, kMiddle);
    });
    region = new (wire.page()) Region;
    {
        Segment::Change change(segment);
        region->become(kWhole, {Access::read_write()});
        segment.insert(*region);
    }
    ASSERT_EQ(segment.lookup(kMiddle).outcome, Lookup::Found);
    wire.arm();
    EXPECT_EQ(segment.lookup(kMiddle).outcome, Lookup::Disturbed);
    EXPECT_EQ(segment.lookup(kMiddle).outcome, Lookup::Absent);
}

}  // namespace
}  // namespace shoal::vm::test
