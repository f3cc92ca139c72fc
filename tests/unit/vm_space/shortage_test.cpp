// Where memory ends: what gives it back works without any, and what nobody uses is called in.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/requests/lent_areas.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "tests/support/vm/harness.hpp"
#include "tests/support/vm/slab_objects.hpp"

namespace shoal::vm::test {
namespace {

// Holds every frame and every free slab object but the stocks while it lives.
class Famine {
  public:
    explicit Famine(Harness& vm) : vm_(vm) {
        vm.settle();
        for (uint32_t cpu = 0; cpu < vm.machine.cpus(); ++cpu) eat_objects(cpu);
        for (uint32_t cpu = 0; cpu < vm.machine.cpus(); ++cpu)
            while (worker(cpu).frames.ensure(1).ok()) frames_.push_back(worker(cpu).frames.allocate_reserved());
        for (uint32_t cpu = 0; cpu < vm.machine.cpus(); ++cpu) eat_objects(cpu);
    }
    ~Famine() {
        for (const FrameNumber frame : frames_) worker(0).frames.free(frame);
        for (Region* region : regions_) worker(0).slabs.give_back(region);
        for (RunTree* tree : trees_) worker(0).slabs.destroy(tree);
        for (Run* run : runs_) worker(0).slabs.destroy(run);
        for (Request* request : requests_) worker(0).slabs.destroy(request);
        for (FlushBatch* batch : batches_) worker(0).slabs.destroy(batch);
    }
    Famine(const Famine&) = delete;
    Famine& operator=(const Famine&) = delete;

  private:
    using Run = shoal::vm::Run;
    Worker& worker(uint32_t cpu) { return vm_.arena().worker(cpu); }
    template <typename T, typename... Arguments>
    void eat(SlabCaches& slabs, std::vector<T*>& eaten, const Arguments&... arguments) {
        for (unsigned i = 0; i < 64; ++i) {
            const Result<T*> made = take_object<T>(slabs, arguments...);
            if (!made.ok()) return;
            eaten.push_back(made.value());
        }
    }
    void eat_objects(uint32_t cpu) {
        SlabCaches& slabs = worker(cpu).slabs;
        eat<Region>(slabs, regions_);
        eat<RunTree>(slabs, trees_, PageSpan{0, 1});
        eat<Run>(slabs, runs_, PageSpan{0, 1}, PageState{}, uint64_t{0});
        eat<Request>(slabs, requests_, RequestKind::Again, Receipt{}, CpuId{});
        eat<FlushBatch>(slabs, batches_, ProcessId{}, CpuId{});
    }

    Harness& vm_;
    std::vector<FrameNumber> frames_;
    std::vector<Region*> regions_;
    std::vector<RunTree*> trees_;
    std::vector<Run*> runs_;
    std::vector<Request*> requests_;
    std::vector<FlushBatch*> batches_;
};

TEST(Famine, WhatGivesMemoryBackWorksWithoutAny) {
    Harness vm({.cpus = 2, .bytes = 16 << 20});
    const ProcessId process = vm.create(kCpu0), other = vm.create(kCpu1);
    const VirtualAddress a = vm.mmap(kCpu0, process, 512 * kPageSize).release();
    for (unsigned i = 0; i < 512; ++i) ASSERT_EQ(vm.write(kCpu0, process, a + i * kPageSize, i), Error::None);
    ASSERT_EQ(vm.read(kCpu1, process, a).release(), 0u);  // flushes go to both CPUs
    const VirtualAddress far = vm.mmap(kCpu1, other, kPageSize).release();
    ASSERT_EQ(vm.write(kCpu1, other, far, 1), Error::None);
    ASSERT_EQ(vm.mprotect(kCpu0, process, a + 100 * kPageSize, kPageSize, kProtectRead), Error::None);
    {
        const Famine famine(vm);
        EXPECT_EQ(vm.mmap(kCpu0, process, 3 * kPageSize).error(), Error::NoMemory);
        EXPECT_EQ(vm.write(kCpu1, other, far + kPageSize, 1), Error::NoMemory);
        // Pages out of the middle of a run, again and again, on either CPU.
        for (unsigned i = 201; i < 401; i += 2)
            ASSERT_EQ(vm.discard(i % 4 == 1 ? kCpu0 : kCpu1, process, a + i * kPageSize, kPageSize), Error::None) << i;
        // The protection that it had before: three regions become one.
        ASSERT_EQ(vm.mprotect(kCpu0, process, a + 100 * kPageSize, kPageSize, kProtectRead | kProtectWrite), Error::None);
        ASSERT_EQ(vm.munmap(kCpu1, process, a + 500 * kPageSize, 12 * kPageSize), Error::None);
        ASSERT_EQ(vm.munmap(kCpu0, process, a, 10 * kPageSize), Error::None);
        EXPECT_EQ(vm.exit(kCpu0, other), Error::None);
        EXPECT_EQ(vm.munmap(kCpu1, process, a, 512 * kPageSize), Error::None);
        EXPECT_EQ(vm.exit(kCpu1, process), Error::None);
    }
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Famine, OnlyWhatSplitsARegionIsRefused) {
    Harness vm({.cpus = 1, .bytes = 16 << 20});
    const ProcessId process = vm.create(kCpu0);
    const VirtualAddress a = vm.mmap(kCpu0, process, 16 * kPageSize).release();
    {
        const Famine famine(vm);  // nothing is resident: no operation gives a frame back
        for (unsigned i = 0; i < 100; ++i)
            ASSERT_EQ(vm.munmap(kCpu0, process, a + 8 * kPageSize, kPageSize), Error::NoMemory);
        ASSERT_EQ(vm.mprotect(kCpu0, process, a, kPageSize, kProtectRead), Error::NoMemory);
        for (unsigned i = 0; i < 100; ++i) ASSERT_EQ(vm.discard(kCpu0, process, a, 16 * kPageSize), Error::None);
        ASSERT_EQ(vm.munmap(kCpu0, process, a, 4 * kPageSize), Error::None);
        ASSERT_EQ(vm.munmap(kCpu0, process, a + 12 * kPageSize, 4 * kPageSize), Error::None);
        ASSERT_EQ(vm.munmap(kCpu0, process, a, 16 * kPageSize), Error::None);
    }
    EXPECT_EQ(vm.audit(), 0u);
}

// Maps of one page each: a change of a whole region needs no memory, whatever lies beside it.
TEST(Famine, AChangeOfAccessIsRefusedOnlyWhereItSplitsARegion) {
    constexpr unsigned kPages = 64;
    Harness vm({.cpus = 1, .bytes = 16 << 20});
    const ProcessId process = vm.create(kCpu0);
    VirtualAddress pages[kPages];
    for (unsigned i = 0; i < kPages; ++i) {
        pages[i] = vm.mmap(kCpu0, process, kPageSize).release();
        ASSERT_EQ(pages[i], pages[0] + i * kPageSize);
        ASSERT_EQ(vm.write(kCpu0, process, pages[i], 1), Error::None);
    }
    {
        const Famine famine(vm);
        for (unsigned i = 1; i < kPages; i += 2)
            EXPECT_EQ(vm.mprotect(kCpu0, process, pages[i], kPageSize, kProtectRead), Error::None) << i;
        for (unsigned i = 1; i < kPages; i += 2)
            EXPECT_EQ(vm.mprotect(kCpu0, process, pages[i], kPageSize, kProtectRead | kProtectWrite), Error::None) << i;
        // By now all is one region.
        for (unsigned i = 1; i < kPages; i += 2)
            EXPECT_EQ(vm.mprotect(kCpu0, process, pages[i], kPageSize, kProtectRead), Error::NoMemory) << i;
        for (unsigned i = 1; i < kPages; i += 2) EXPECT_EQ(vm.discard(kCpu0, process, pages[i], kPageSize), Error::None) << i;
    }
    EXPECT_EQ(vm.audit(), 0u);
}

// As elsewhere: what leaves no more regions than there were. The last one attaches it.
TEST(Famine, ADetachedLeafIsUnmappedFromTheStocks) {
    Harness vm({.cpus = 1, .bytes = 16 << 20});
    const ProcessId process = vm.create(kCpu0);
    const VirtualAddress a = vm.mmap(kCpu0, process, 3 * kLeafSize).release(), leaf = a + kLeafSize;
    const auto unmap = [&](uint64_t first, uint64_t pages) {
        return vm.munmap(kCpu0, process, leaf + first * kPageSize, pages * kPageSize);
    };
    for (uint64_t page = 0; page < kPagesPerLeaf; ++page) ASSERT_EQ(vm.write(kCpu0, process, leaf + page * kPageSize, page), Error::None);
    ASSERT_EQ(unmap(20, 1), Error::None);
    {
        const Famine famine(vm);
        EXPECT_EQ(unmap(50, 1), Error::NoMemory);
        EXPECT_EQ(vm.mprotect(kCpu0, process, leaf + 50 * kPageSize, kPageSize, kProtectRead), Error::NoMemory);
        EXPECT_EQ(vm.read(kCpu0, process, leaf + 50 * kPageSize).release(), 50u);
        EXPECT_EQ(unmap(0, 20), Error::None);
        EXPECT_EQ(unmap(500, 12), Error::None);
        EXPECT_TRUE(vm.processes().find(process)->leaves.find(leaf)->detached());
        EXPECT_EQ(unmap(0, kPagesPerLeaf - 1), Error::None);
        EXPECT_FALSE(vm.processes().find(process)->leaves.find(leaf)->detached());
        EXPECT_EQ(vm.munmap(kCpu0, process, a, 3 * kLeafSize), Error::None);
    }
    EXPECT_EQ(vm.audit(), 0u);
}

// No frame comes back, as it is another's, too: far more runs are needed than the stock has.
TEST(Famine, SharedPagesAreUnmappedOutOfTheMiddleOfARun) {
    constexpr unsigned kPages = 200;
    Harness vm({.cpus = 1, .bytes = 16 << 20});
    const ProcessId source = vm.create(kCpu0), process = vm.create(kCpu0);
    const VirtualAddress a = vm.mmap(kCpu0, source, kPages * kPageSize).release();
    for (unsigned i = 0; i < kPages; ++i) {
        const Message arguments{{0, source.raw(), (a + i * kPageSize).raw(), kPageSize, process.raw()}};
        ASSERT_EQ(vm.call(kCpu0, source, VmCall::Share, arguments).outcome(), Error::None);
    }
    {
        const Famine famine(vm);
        for (unsigned i = 1; i < kPages; i += 2)
            ASSERT_EQ(vm.munmap(kCpu0, process, a + i * kPageSize, kPageSize), Error::None) << i;
    }
    EXPECT_EQ(vm.audit(), 0u);
}

bool holding(Harness& vm, CpuId cpu) {
    std::lock_guard turn(vm.machine.turn(cpu));
    return vm.context(cpu).desk.holding;
}

// Far more unmappings at once than a worker has batches in stock, and none of their flushes acknowledged yet.
TEST(Famine, UnmappingsBeyondTheStockWaitForTheFlushesOfOthers) {
    constexpr unsigned kCalls = 3 * FlushBatch::kStock;
    Harness vm({.cpus = 2, .bytes = 16 << 20});
    const ProcessId process = vm.create(kCpu0);
    VirtualAddress pages[kCalls];
    for (VirtualAddress& page : pages) {
        page = vm.mmap(kCpu0, process, kPageSize).release();
        ASSERT_EQ(vm.write(kCpu0, process, page, 1), Error::None);
        ASSERT_EQ(vm.read(kCpu1, process, page).release(), 1u);
    }
    {
        const Famine famine(vm);
        std::atomic<unsigned> refused{0}, answered{0};
        std::vector<std::thread> callers;
        std::unique_lock busy_elsewhere(vm.machine.turn(kCpu1));
        for (const VirtualAddress page : pages)
            callers.emplace_back([&, page] {
                if (vm.munmap(kCpu0, process, page, kPageSize) != Error::None) ++refused;
                ++answered;
            });
        while (!holding(vm, kCpu0)) std::this_thread::yield();
        EXPECT_EQ(answered, 0u);
        busy_elsewhere.unlock();
        for (std::thread& caller : callers) caller.join();
        EXPECT_EQ(refused, 0u);
    }
    EXPECT_EQ(vm.usage(kCpu0, process).resident_pages, 0u);
    EXPECT_EQ(vm.audit(), 0u);
}

uint64_t tables(Harness& vm) {
    uint64_t count = 0;
    for (uint32_t cpu = 0; cpu < vm.machine.cpus(); ++cpu) {
        const ProcessShard& shard = vm.processes().shard(CpuId::from(cpu));
        count += shard.tables_made.value() - shard.tables_freed.value();
    }
    return count;
}

TEST(Shortage, EmptyTablesAreGivenUpAndMadeAgain) {
    Harness vm({.cpus = 2, .bytes = 16 << 20});
    const ProcessId process = vm.create(kCpu0);
    const VirtualAddress a = vm.mmap(kCpu0, process, 600 * kLeafSize).release();
    for (unsigned i = 0; i < 600; ++i)
        ASSERT_EQ(vm.write(CpuId::from(i % 2), process, a + i * kLeafSize, i), Error::None);
    ASSERT_EQ(vm.discard(kCpu1, process, a + kLeafSize, 599 * kLeafSize), Error::None);
    EXPECT_EQ(tables(vm), 600u);
    const VirtualAddress b = vm.mmap(kCpu0, process, 16 << 20).release();
    unsigned got = 0;
    while (vm.write(kCpu0, process, b + got * kPageSize, got) == Error::None) ++got;
    EXPECT_GT(got, 3000u);
    EXPECT_LT(tables(vm), 16u);
    EXPECT_EQ(vm.audit(), 0u);
    ASSERT_EQ(vm.munmap(kCpu0, process, b, 16 << 20), Error::None);
    for (unsigned i = 0; i < 600; ++i)
        ASSERT_EQ(vm.read(CpuId::from(1 - i % 2), process, a + i * kLeafSize).release(), 0u) << i;
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Shortage, ServersAndWhatIsResidentDoNotSuffer) {
    Harness vm({.cpus = 2, .bytes = 16 << 20});
    const ProcessId program = vm.create(kCpu0), server = vm.create(kCpu1);
    vm.processes().find(server)->standing = Standing::Server;
    const VirtualAddress stack = vm.mmap(kCpu1, server, 64 * kPageSize).release();
    const VirtualAddress a = vm.mmap(kCpu0, program, 16 << 20).release();
    uint64_t got = 0;
    const auto eat = [&](CpuId cpu) {
        const uint64_t before = got;
        while (vm.write(cpu, program, a + got * kPageSize, got) == Error::None) ++got;
        return got > before;
    };
    while (eat(kCpu0) || eat(kCpu1)) {
    }
    // Here the leaf is new to CPU 1, and that is all.
    for (uint64_t page = 0; page < got; page += 100) EXPECT_EQ(vm.read(page % 200 == 0 ? kCpu0 : kCpu1, program, a + page * kPageSize).release(), page);
    for (unsigned page = 0; page < 8; ++page) EXPECT_EQ(vm.write(kCpu1, server, stack + page * kPageSize, page), Error::None);
    EXPECT_EQ(vm.write(kCpu1, program, a + got * kPageSize, 1), Error::NoMemory);
    EXPECT_EQ(vm.audit(), 0u);
    ASSERT_EQ(vm.munmap(kCpu0, program, a, 16 << 20), Error::None);
    for (unsigned page = 8; page < 64; ++page) EXPECT_EQ(vm.write(kCpu1, server, stack + page * kPageSize, page), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Shortage, WhoRsMakesIsAServer) {
    Harness vm({.cpus = 1});
    const ProcessId made = ProcessId::of(9, 5), rs = ProcessId::of(kRsSlot, 1), other = ProcessId::of(2, 1);
    const auto make = [&](ProcessId maker) {
        vm.machine.add_process(made, kCpu0);
        return vm.call(kCpu0, maker, VmCall::Create, {{0, made.raw(), made.raw(), 0}}).outcome();
    };
    ASSERT_EQ(make(rs), Error::None);
    EXPECT_EQ(vm.processes().find(made)->standing, Standing::Server);
    ASSERT_EQ(vm.exit(kCpu0, made), Error::None);
    ASSERT_EQ(make(other), Error::None);
    EXPECT_EQ(vm.processes().find(made)->standing, Standing::Program);
}

TEST(Shortage, LentAreasComeBack) {
    Harness vm({.cpus = 2, .bytes = 32 << 20});
    const ProcessId process = vm.create(kCpu0);
    for (unsigned i = 0; i < 4; ++i) {
        WorkerContext worker = vm.context(kCpu0);
        ASSERT_TRUE(lend_area(worker).ok());
    }
    const VirtualAddress a = vm.mmap(kCpu1, process, 32 << 20).release();
    unsigned got = 0;
    while (vm.write(kCpu1, process, a + got * kPageSize, got) == Error::None) ++got;
    EXPECT_GT(got, 7 * kPagesPerLeaf + 2 * kPagesPerLeaf);
    uint64_t lent = 0;
    for (uint32_t cpu = 0; cpu < 2; ++cpu) {
        const ProcessShard& shard = vm.processes().shard(CpuId::from(cpu));
        lent += shard.areas_lent.value() - shard.areas_returned.value();
    }
    EXPECT_EQ(lent, 0u);
    EXPECT_EQ(vm.audit(), 0u);
}

// A Resume receives from all, so a second call may come while one is held: it takes what it finds, and the first stays held.
TEST(Hold, HoldsOneCallAtATime) {
    Harness vm({.cpus = 1});
    WorkerContext worker = vm.context(CpuId{0});
    worker.desk.holding = true;
    worker.desk.held.receipt.message.words[1] = 77;
    EXPECT_FALSE(hold(worker, Receipt{}));
    EXPECT_TRUE(worker.desk.holding);
    EXPECT_EQ(worker.desk.held.receipt.message.words[1], 77u);
    worker.desk.holding = false;
}

}  // namespace
}  // namespace shoal::vm::test
