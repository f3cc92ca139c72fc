// The page cache under threads: servers that set, map, forget and clear the same few blocks, while memory is short or not.
#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "tests/support/seed.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class CacheTorture : public ::testing::Test {
  protected:
    static constexpr unsigned kThreads = 4;
    static constexpr uint64_t kDevice = 9, kBlocks = 24, kInodes = 2;

    // One server, on its CPU.
    class Server {
      public:
        Server(Harness& vm, unsigned index, uint64_t seed) : vm_(vm), cpu_(CpuId::from(index)), process_(vm.create(cpu_)), random_(seed + index) {}

        void run(unsigned rounds) {
            for (unsigned round = 0; round < rounds; ++round) {
                const uint64_t block = random_() % kBlocks;
                switch (random_() % 16) {
                    case 0: EXPECT_EQ(call(VmCall::Clearcache, {{0, kDevice}}), Error::None); break;
                    case 1:
                    case 2: EXPECT_EQ(call(VmCall::Forgetcachepage, {{0, kDevice, block * kPageSize, 1 + random_() % 4}}), Error::None); break;
                    case 3:
                    case 4:
                    case 5:
                    case 6:
                    case 7: set(block); break;
                    default: map(block); break;
                }
            }
            EXPECT_EQ(vm_.exit(cpu_, process_), Error::None);
        }

      private:
        Error call(VmCall number, const Message& arguments) { return vm_.call(cpu_, process_, number, arguments).outcome(); }
        // Every page of a block tells its number.
        void set(uint64_t block) {
            const uint64_t pages = 1 + random_() % 3;
            const VirtualAddress a = vm_.mmap(cpu_, process_, pages * kPageSize).release();
            for (uint64_t i = 0; i < pages; ++i) EXPECT_EQ(vm_.write(cpu_, process_, a + i * kPageSize, block + i), Error::None);
            const uint64_t inode = random_() % (kInodes + 1), once = random_() % 8 == 0 ? uint64_t{kCacheOnce} << 32 : 0;
            const Message arguments{{0, a.raw(), kDevice, block * kPageSize, inode, random_() % 4 * kPageSize, pages | once}};
            const Error error = call(VmCall::Setcachepage, arguments);
            EXPECT_EQ(error, Error::None);
            EXPECT_EQ(vm_.munmap(cpu_, process_, a, pages * kPageSize), Error::None);
        }
        void map(uint64_t block) {
            const uint64_t pages = 1 + random_() % 2, inode = random_() % (kInodes + 1);
            const Message arguments{{0, kDevice, block * kPageSize, inode, random_() % 4 * kPageSize, pages}};
            const Message answer = vm_.call(cpu_, process_, VmCall::Mapcachepage, arguments);
            if (answer.outcome() == Error::NoEntry) return;
            EXPECT_EQ(answer.outcome(), Error::None);
            const VirtualAddress a{answer.words[1]};
            for (uint64_t i = 0; i < pages; ++i) EXPECT_EQ(vm_.read(cpu_, process_, a + i * kPageSize).release(), block + i);
            EXPECT_EQ(vm_.munmap(cpu_, process_, a, pages * kPageSize), Error::None);
        }

        Harness& vm_;
        const CpuId cpu_;
        const ProcessId process_;
        std::mt19937_64 random_;
    };

    static void run(uint64_t bytes, unsigned rounds) {
        Harness vm({.cpus = kThreads, .bytes = bytes});
        const uint64_t seed = shoal::test::seed();
        std::vector<Server> servers;
        for (unsigned i = 0; i < kThreads; ++i) servers.emplace_back(vm, i, seed);
        std::vector<std::thread> threads;
        for (Server& server : servers) threads.emplace_back([&server, rounds] { server.run(rounds); });
        for (std::thread& thread : threads) thread.join();
        EXPECT_EQ(vm.audit(), 0u) << "seed " << seed;
        const ProcessId last = vm.create(kCpu0);
        EXPECT_EQ(vm.call(kCpu0, last, VmCall::Clearcache, {{0, kDevice}}).outcome(), Error::None);
        EXPECT_EQ(vm.audit(), 0u) << "seed " << seed;
        EXPECT_EQ(vm.machine.stale_uses.load(), 0u);
    }
};

TEST_F(CacheTorture, ServersUseTheSameBlocks) { run(uint64_t{64} << 20, 600); }

}  // namespace
}  // namespace shoal::vm::test
