// Exit notices: who watches hears of every end once, of signals at least once, in order; and nothing is left of whoever ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "abi/memory.hpp"
#include "servers/vm/requests/dispatcher.hpp"
#include "tests/support/vm/harness.hpp"
#include "tests/unit/vm_space/notices.hpp"

namespace shoal::vm::test {
namespace {

class ExitNotices : public ::testing::Test {
  protected:
    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        for (const ProcessId process : living) EXPECT_EQ(vm.exit(kCpu1, process), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
        EXPECT_EQ(watches(), 0) << "a watch ends with the first of its two processes";
    }
    ProcessId create(CpuId home = kCpu0) {
        living.push_back(vm.create(home));
        return living.back();
    }
    void end(ProcessId process) {
        std::erase(living, process);
        ASSERT_EQ(vm.exit(kCpu1, process), Error::None);
    }
    Error watch(ProcessId by, ProcessId of) { return test::watch(vm, kCpu0, by, of); }
    Error signal(ProcessId of, ProcessId to = {}) { return test::signal(vm, kCpu0, of, to); }
    News query(ProcessId by) { return test::query(vm, kCpu0, by); }
    int64_t watches() {
        int64_t alive = 0;
        for (uint32_t cpu = 0; cpu < 2; ++cpu) alive += vm.arena().header().workers[cpu].slabs.live(SlabType::Watch);
        return alive;
    }
    static constexpr News nothing() { return {}; }
    static constexpr News ended(ProcessId process, bool more = false) { return {Error::None, process, ExitNotice::Ended, more}; }
    static constexpr News signalled(ProcessId process, bool more = false) { return {Error::None, process, ExitNotice::Signal, more}; }

    Harness vm{{.cpus = 2}};
    std::vector<ProcessId> living;
    const ProcessId watcher = create(), other = create(kCpu1);
};

// What a process watches and who watches it stays with its name, when it changes places with another one (rs_update).
TEST_F(ExitNotices, ASwapLeavesThemToTheName) {
    const ProcessId first = create(), second = create(kCpu1);
    ASSERT_EQ(watch(watcher, first), Error::None);
    ASSERT_EQ(watch(first, other), Error::None);
    ASSERT_EQ(watch(first, second), Error::None);
    ASSERT_EQ(signal(second), Error::None);
    ASSERT_EQ(vm.call(kCpu0, watcher, VmCall::RsUpdate, {{0, first.raw(), second.raw(), 0}}).outcome(), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(query(second), nothing());
    EXPECT_EQ(query(first), signalled(second));
    end(second);
    EXPECT_EQ(query(first), ended(second));
    end(first);
    EXPECT_EQ(query(watcher), ended(first));
}

TEST_F(ExitNotices, AnEndIsToldOnceToEachWhoWatches) {
    const ProcessId first = create(), second = create(kCpu1);
    for (const ProcessId by : {watcher, other, second}) ASSERT_EQ(watch(by, first), Error::None);
    ASSERT_EQ(watch(watcher, second), Error::None);
    EXPECT_EQ(query(watcher), nothing());
    end(first);
    EXPECT_EQ(query(other), ended(first));
    EXPECT_EQ(query(other), nothing());
    end(second);  // with its news unread
    EXPECT_EQ(query(watcher), ended(first, true));
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(query(watcher), ended(second));
    EXPECT_EQ(query(watcher), nothing());
}

TEST_F(ExitNotices, ToWatchTwiceIsToWatchOnce) {
    const ProcessId process = create();
    for (unsigned i = 0; i < 3; ++i) ASSERT_EQ(watch(watcher, process), Error::None);
    EXPECT_EQ(watches(), 1);
    end(process);
    EXPECT_EQ(query(watcher), ended(process));
    EXPECT_EQ(watch(watcher, process), Error::NoProcess);
    const ProcessId next = create();
    ASSERT_EQ(next.slot(), process.slot());
    EXPECT_EQ(watch(watcher, next), Error::None) << "another process in the same slot";
    end(next);
    EXPECT_EQ(query(watcher), ended(next));
}

TEST_F(ExitNotices, ASignalIsToldToOneOrToAll) {
    const ProcessId process = create();
    for (const ProcessId by : {watcher, other}) ASSERT_EQ(watch(by, process), Error::None);
    ASSERT_EQ(signal(process, other), Error::None);
    EXPECT_EQ(query(watcher), nothing());
    EXPECT_EQ(query(other), signalled(process));
    ASSERT_EQ(signal(process), Error::None);
    for (const ProcessId by : {watcher, other}) EXPECT_EQ(query(by), signalled(process));
    ASSERT_EQ(signal(process), Error::None) << "who has heard of one hears of the next";
    EXPECT_EQ(query(other), signalled(process));
}

TEST_F(ExitNotices, PendingNewsIsNotDoubledAndAnEndTakesItsPlace) {
    const ProcessId first = create(), second = create();
    for (const ProcessId of : {first, second}) ASSERT_EQ(watch(watcher, of), Error::None);
    for (const ProcessId of : {first, second, first}) ASSERT_EQ(signal(of), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
    end(first);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(query(watcher), ended(first, true));
    EXPECT_EQ(query(watcher), signalled(second));
    EXPECT_EQ(query(watcher), nothing());
}

TEST_F(ExitNotices, AWatchersEndTakesWhatItHas) {
    const ProcessId quiet = create(), loud = create(), gone = create(), process = create();
    for (const ProcessId of : {quiet, loud, gone}) ASSERT_EQ(watch(process, of), Error::None);
    ASSERT_EQ(watch(watcher, process), Error::None);
    ASSERT_EQ(watch(quiet, process), Error::None) << "they watch each other";
    ASSERT_EQ(signal(loud), Error::None);
    end(gone);
    end(process);
    EXPECT_EQ(watches(), 2) << "the news of its end, to the watcher and to the quiet one";
    EXPECT_EQ(signal(loud, process), Error::NoEntry);
    EXPECT_EQ(query(quiet), ended(process));
    EXPECT_EQ(query(watcher), ended(process));
}

TEST_F(ExitNotices, HeWhoWillExitIsWatchedUntilHeEnds) {
    const ProcessId process = create();
    ASSERT_EQ(vm.willexit(kCpu0, process), Error::None);
    EXPECT_EQ(watch(watcher, process), Error::None);
    EXPECT_EQ(query(watcher), nothing()) << "he is there still";
    end(process);
    EXPECT_EQ(query(watcher), ended(process));
}

TEST_F(ExitNotices, ManyWatchManyAndMemoryIsNeededToBeginOnly) {
    constexpr unsigned kMany = 20;
    std::vector<ProcessId> watchers, watched;
    for (unsigned i = 0; i < kMany; ++i) watchers.push_back(create()), watched.push_back(create());
    for (const ProcessId by : watchers)
        for (const ProcessId of : watched) ASSERT_EQ(watch(by, of), Error::None);
    EXPECT_EQ(watches(), kMany * kMany);
    vm.settle();
    const uint64_t slabs = vm.arena().header().workers[0].slabs.slabs(SlabType::Watch);
    for (const ProcessId of : watched) ASSERT_EQ(signal(of), Error::None);
    for (const ProcessId of : watched) end(of);
    EXPECT_EQ(watches(), kMany * kMany) << "the watches are the news";
    EXPECT_EQ(vm.arena().header().workers[0].slabs.slabs(SlabType::Watch), slabs);
    for (const ProcessId by : watchers)
        for (unsigned i = 0; i < kMany; ++i) EXPECT_EQ(query(by), ended(watched[i], i + 1 < kMany));
}

TEST_F(ExitNotices, SaysWhatIsWrong) {
    const ProcessId nobody = ProcessId::of(60, 3), nowhere = ProcessId::of(5000, 1), process = create();
    const ProcessId stale = ProcessId::of(watcher.slot(), static_cast<uint16_t>(watcher.generation() + 1));
    for (const ProcessId of : {nobody, nowhere, stale}) {
        EXPECT_EQ(watch(watcher, of), Error::NoProcess);
        EXPECT_EQ(watch(of, watcher), Error::NoProcess) << "as VM knows the caller";
        EXPECT_EQ(query(of).error, Error::NoProcess);
        EXPECT_EQ(signal(of), Error::NoProcess);
        EXPECT_EQ(signal(of, watcher), Error::NoProcess);
        EXPECT_EQ(signal(watcher, of), Error::NoEntry);
    }
    EXPECT_EQ(watch(watcher, watcher), Error::Invalid);
    EXPECT_EQ(signal(process, watcher), Error::NoEntry) << "he does not watch it";
    EXPECT_EQ(signal(process, process), Error::NoEntry);
    EXPECT_EQ(signal(process), Error::None) << "nobody has to hear";
    EXPECT_EQ(vm.call(kCpu0, watcher, VmCall::QueryExit, {{0, 2}}).outcome(), Error::Invalid);
    for (const VmCall call : {VmCall::WatchExit, VmCall::QueryExit, VmCall::NotifySig})
        EXPECT_EQ(vm.call(kCpu0, watcher, call, {{0, process.raw()}}, 0).outcome(), Error::CallDenied);
    EXPECT_EQ(watches(), 0);
}

// Step by step, on one CPU: who waits, and is answered.
class WaitingForNews : public ExitNotices {
  protected:
    static constexpr Message kWait{{0, kQueryExitWait}};
    Action ask(WorkerContext& worker, ProcessId by) {
        exchange = Exchange{};
        exchange.message = kWait;
        exchange.message.words[kVmCallerWord] = by.raw() | kVmCallAllowed;
        exchange.message.set_type(kVmCallBase + static_cast<uint32_t>(VmCall::QueryExit));
        return dispatch(worker, exchange);
    }
    // The answers that come, in order.
    std::vector<News> answers(WorkerContext& worker) {
        std::vector<News> found;
        while (has_work(worker))
            if (work(worker, exchange).kind == Action::Kind::Reply) found.push_back(news_of(exchange.message));
        return found;
    }
    Exchange exchange;
};

TEST_F(WaitingForNews, EachPieceOfNewsIsForOneOfThem) {
    const ProcessId process = create();
    ASSERT_EQ(watch(watcher, process), Error::None);
    WorkerContext worker = vm.context(kCpu0);
    for (unsigned i = 0; i < 3; ++i) ASSERT_EQ(ask(worker, watcher).kind, Action::Kind::None);
    EXPECT_EQ(vm.audit(), 0u);
    for (unsigned i = 0; i < 2; ++i) {
        ASSERT_TRUE(notify_signal(worker, process, {}).ok());
        EXPECT_EQ(answers(worker), std::vector{signalled(process)});
    }
    EXPECT_EQ(query(watcher), nothing());
}

TEST_F(WaitingForNews, NewsThatIsThereIsAnsweredAtOnce) {
    const ProcessId process = create();
    ASSERT_EQ(watch(watcher, process), Error::None);
    ASSERT_EQ(signal(process), Error::None);
    WorkerContext worker = vm.context(kCpu0);
    ASSERT_EQ(ask(worker, watcher).kind, Action::Kind::Reply);
    EXPECT_EQ(news_of(exchange.message), signalled(process));
}

// Another one takes what a waiting one has been called for: it waits on.
TEST_F(WaitingForNews, WhoComesTooLateWaitsOn) {
    const ProcessId process = create();
    ASSERT_EQ(watch(watcher, process), Error::None);
    WorkerContext worker = vm.context(kCpu0);
    ASSERT_EQ(ask(worker, watcher).kind, Action::Kind::None);
    ASSERT_TRUE(notify_signal(worker, process, watcher).ok());
    EXPECT_EQ(take_notice(worker, watcher, {}).value().what, ExitNotice::Signal);
    EXPECT_EQ(answers(worker).size(), 0u);
    ASSERT_TRUE(notify_signal(worker, process, watcher).ok());
    EXPECT_EQ(answers(worker), std::vector{signalled(process)});
}

TEST_F(WaitingForNews, TheWatchersEndEndsTheWait) {
    const ProcessId process = create();
    WorkerContext worker = vm.context(kCpu0);
    for (unsigned i = 0; i < 2; ++i) ASSERT_EQ(ask(worker, process).kind, Action::Kind::None);
    end(process);
    EXPECT_EQ(vm.audit(), 0u);
}

}  // namespace
}  // namespace shoal::vm::test
