// Mutual exclusion and visibility of SpinLock (guarantees a and b), and the relax hook, which this program overrides.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/lock/guard.hpp"

namespace shoal {
namespace {

std::atomic<uint64_t> relaxed{0};

}  // namespace

void relax_while_spinning(LockContext&) {
    relaxed.fetch_add(1, std::memory_order_relaxed);
    std::this_thread::yield();
}

namespace {

struct Account {
    SpinLock<VmRank::Leaf> lock;
    uint64_t balance GUARDED_BY(lock) = 0;
};

TEST(SpinLockTorture, CountsNoUpdateTwiceOrNever) {
    constexpr uint64_t kThreads = 4, kSteps = 20'000;
    Account account;
    std::vector<std::thread> threads;
    for (uint64_t id = 0; id < kThreads; ++id) {
        threads.emplace_back([&account, id] {
            LockContext context{CpuId::from(id)};
            for (uint64_t i = 0; i < kSteps; ++i) {
                Guard guard{context, account.lock};
                ++account.balance;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    LockContext context{CpuId{0}};
    Guard guard{context, account.lock};
    EXPECT_EQ(account.balance, kThreads * kSteps);
}

TEST(SpinLockTorture, TransfersBetweenTwoAccountsDoNotDeadlock) {
    Account accounts[2];
    std::vector<std::thread> threads;
    for (size_t id = 0; id < 2; ++id) {
        threads.emplace_back([&accounts, id] {
            LockContext context{CpuId::from(id)};
            for (int i = 0; i < 20'000; ++i) {
                PairGuard guard{context, accounts[id].lock, accounts[1 - id].lock};
            }
        });
    }
    for (auto& thread : threads) thread.join();
}

TEST(SpinLockTorture, WaiterCallsTheRelaxHook) {
    SpinLock<VmRank::Leaf> lock;
    LockContext owner{CpuId{0}};
    lock.lock(owner);
    const uint64_t before = relaxed.load();
    std::thread waiter([&lock] {
        LockContext context{CpuId{1}};
        Guard guard{context, lock};
    });
    while (relaxed.load() == before) std::this_thread::yield();
    lock.unlock(owner);
    waiter.join();
}

}  // namespace
}  // namespace shoal
