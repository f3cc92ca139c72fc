#include "servers/vm/quota/quota.hpp"

#include <gtest/gtest.h>

#include "workers.hpp"

namespace shoal::vm {
namespace {

Result<void> charge(Quota& quota, Worker& worker, uint64_t pages) {
    return quota.charge(worker.locks, worker.slabs, PageCount{pages});
}

TEST(Quota, RefusesExactlyAboveTheLimit) {
    HostArena arena({.cpus = 2});
    Quota quota{PageCount{1000}};
    for (uint32_t i = 0; i < 1000; ++i)
        ASSERT_TRUE(charge(quota, arena.worker(i % 2), 1).ok()) << i;
    EXPECT_EQ(charge(quota, arena.worker(0), 1).error(), Error::NoMemory);
    EXPECT_EQ(charge(quota, arena.worker(1), 1).error(), Error::NoMemory);
    EXPECT_EQ(quota.charged(), PageCount{1000});
    quota.refund(arena.worker(1).locks, PageCount{1});
    EXPECT_TRUE(charge(quota, arena.worker(0), 1).ok());  // lent to CPU 1, called in for CPU 0
    quota.refund(arena.worker(0).locks, PageCount{1000});
    EXPECT_EQ(quota.charged(), PageCount{0});
    quota.release(arena.worker(0).slabs);
}

TEST(Quota, LeasesAreMadeOnFirstUseAndReturned) {
    HostArena arena({.bytes = 128 << 20, .cpus = 64});
    Quota quota{PageCount{1 << 20}};
    EXPECT_EQ(arena.worker(40).slabs.live(SlabType::QuotaLease), 0);
    ASSERT_TRUE(charge(quota, arena.worker(40), 7).ok());
    EXPECT_EQ(arena.worker(40).slabs.live(SlabType::QuotaLease), 1);
    quota.refund(arena.worker(3).locks, PageCount{7});  // a CPU that never charged
    EXPECT_EQ(quota.charged(), PageCount{0});
    quota.release(arena.worker(40).slabs);
    EXPECT_EQ(arena.worker(40).slabs.live(SlabType::QuotaLease), 0);
    EXPECT_EQ(arena.worker(40).slabs.live(SlabType::QuotaDirectory), 0);
}

TEST(Quota, BigChargesPassTheLease) {
    HostArena arena({});
    Quota quota{PageCount{300}};
    ASSERT_TRUE(charge(quota, arena.worker(0), 10).ok());
    ASSERT_TRUE(
        charge(quota, arena.worker(1), 290).ok());  // needs what CPU 0 was lent and did not use
    EXPECT_EQ(quota.charged(), PageCount{300});
    EXPECT_EQ(charge(quota, arena.worker(0), 1).error(), Error::NoMemory);
    EXPECT_EQ(charge(quota, arena.worker(0), ~uint64_t{0} >> 12).error(), Error::NoMemory);
    quota.refund(arena.worker(0).locks, PageCount{300});
    quota.release(arena.worker(0).slabs);
}

// Of one CPU never high, and low by a loan at most; what another one has borrowed counts as charged.
TEST(Quota, ThePeakStays) {
    constexpr uint64_t kLimit = 100'000, kLoan = kLimit / Quota::kRunsInPool;
    HostArena arena({.cpus = 2});
    Quota quota{PageCount{kLimit}};
    EXPECT_EQ(quota.peak(), PageCount{0});
    for (uint64_t i = 1; i <= 5000; ++i) {
        ASSERT_TRUE(charge(quota, arena.worker(0), 1).ok());
        ASSERT_EQ(quota.peak(), PageCount{i}) << "now is the most";
    }
    quota.refund(arena.worker(0).locks, PageCount{5000});
    const uint64_t seen = quota.peak().raw();
    EXPECT_LE(seen, 5000u);
    EXPECT_GE(seen + kLoan, 5000u);
    ASSERT_TRUE(charge(quota, arena.worker(1), 10).ok());
    EXPECT_EQ(quota.peak().raw(), seen) << "less is no peak";
    ASSERT_TRUE(charge(quota, arena.worker(1), 6000).ok());
    EXPECT_GE(quota.peak().raw(), 6010u);
    EXPECT_LE(quota.peak().raw(), 6010 + 2 * kLoan);
    quota.refund(arena.worker(0).locks, PageCount{6010});
    quota.release(arena.worker(0).slabs);
}

// Guarantee (a), both halves: with room for what each of four CPUs
// wants none is ever refused, and the sum never exceeds the limit. Amounts are such that leases overflow into the pool often; of the
// second limit runs are of all lengths.
class QuotaTorture : public testing::TestWithParam<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Limits, QuotaTorture, testing::Values(300, 30'000));

TEST_P(QuotaTorture, NeitherExceedsNorRefusesFalsely) {
    constexpr uint64_t kCpus = 4;
    const uint64_t each = GetParam();
    HostArena arena({.cpus = kCpus});
    Quota quota{PageCount{kCpus * each}};
    const uint64_t seed = test::fresh_seed();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::atomic<uint64_t> charged{0};
    test::run_workers(arena, [&](Worker& worker) {
        std::mt19937_64 random(seed + worker.cpu.raw());
        uint64_t mine = 0;
        for (int step = 0; step < 20'000; ++step) {
            const uint64_t n = 1 + random() % each;
            if (mine + n <= each) {
                ASSERT_TRUE(charge(quota, worker, n).ok()) << "refused with room left";
                ASSERT_LE(charged.fetch_add(n) + n, kCpus * each);
                mine += n;
            } else {
                const uint64_t back = 1 + random() % mine;
                charged.fetch_sub(back);
                quota.refund(worker.locks, PageCount{back});
                mine -= back;
            }
        }
        charged.fetch_sub(mine);
        quota.refund(worker.locks, PageCount{mine});
    });
    EXPECT_EQ(quota.charged(), PageCount{0});
    quota.release(arena.worker(0).slabs);
}

}  // namespace
}  // namespace shoal::vm
