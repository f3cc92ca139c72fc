// Files torn: threads of two processes read, write, discard, unmap and fork what they have mapped, while the server takes pages away.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

#include "tests/support/seed.hpp"
#include "tests/support/vm/file_server.hpp"

namespace shoal::vm::test {
namespace {

// One thread's map of a file, and what it has written there.
class FileToucher {
  public:
    static constexpr uint64_t kFiles = 3, kPages = 48;

    FileToucher(Harness& vm, CpuId cpu, ProcessId process, uint64_t seed) : vm_(vm), cpu_(cpu), process_(process), random_(seed) { map(); }

    void step() {
        const unsigned what = below(100);
        if (what < 50) check(process_, below(kPages));
        else if (what < 80) write(below(kPages));
        else if (what < 88) discard();
        else if (what < 96) map_anew();
        else look_at_copy();
    }
    void end() { EXPECT_EQ(vm_.munmap(cpu_, process_, at_, kPages * kPageSize), Error::None); }

  private:
    unsigned below(uint64_t limit) { return static_cast<unsigned>(random_() % limit); }
    void map() {
        file_ = 1 + below(kFiles);
        first_ = below(64);
        const Message answer = vm_.call(cpu_, process_, VmCall::MmapFile,
                                        {{0, 0, kPages * kPageSize, kProtectRead | kProtectWrite, kMapPrivate, file_, first_ * kPageSize}});
        ASSERT_EQ(answer.outcome(), Error::None);
        at_ = VirtualAddress{answer.words[1]};
    }
    void check(ProcessId process, unsigned page) {
        const Result<uint64_t> seen = vm_.read(cpu_, process, at_ + page * kPageSize);
        ASSERT_TRUE(seen.ok()) << error_text(seen.error());
        const auto own = written_.find(page);
        EXPECT_EQ(seen.value(), own != written_.end() ? own->second : FileServer::word_of(file_, first_ + page)) << "page " << page;
    }
    void write(unsigned page) {
        written_[page] = random_();
        ASSERT_EQ(vm_.write(cpu_, process_, at_ + page * kPageSize, written_[page]), Error::None);
    }
    void discard() {
        const unsigned first = below(kPages), pages = 1 + below(kPages - first);
        ASSERT_EQ(vm_.discard(cpu_, process_, at_ + first * kPageSize, pages * kPageSize), Error::None);
        written_.erase(written_.lower_bound(first), written_.lower_bound(first + pages));
    }
    void map_anew() {
        end();
        written_.clear();
        map();
    }
    void look_at_copy() {
        const ProcessId copy = vm_.create(cpu_);
        if (copy.raw() == 0) return;
        ASSERT_EQ(vm_.call(cpu_, process_, VmCall::Fork, {{0, process_.raw(), copy.raw()}}).outcome(), Error::None);
        for (unsigned i = 0; i < 8; ++i) check(copy, below(kPages));
        ASSERT_EQ(vm_.exit(cpu_, copy), Error::None);
    }

    Harness& vm_;
    const CpuId cpu_;
    const ProcessId process_;
    std::mt19937_64 random_;
    uint64_t file_ = 0, first_ = 0;
    VirtualAddress at_;
    std::map<unsigned, uint64_t> written_;
};

TEST(FileTorture, EveryoneSeesTheFileAndWhatHeHasWritten) {
    const uint64_t seed = shoal::test::seed();
    Harness vm{{.cpus = 3}};
    FileServer server(vm, kCpu2);
    const ProcessId processes[] = {vm.create(kCpu0), vm.create(kCpu1)};
    std::atomic<unsigned> left{4};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            FileToucher toucher(vm, CpuId::from(i / 2), processes[i % 2], seed + i);
            for (unsigned step = 0; step < 1'000 && !testing::Test::HasFailure(); ++step) toucher.step();
            toucher.end();
            --left;
        });
    std::mt19937_64 random(seed);
    while (left > 0) {
        const uint64_t page = random() % 100;
        ASSERT_EQ(server.forget(1 + random() % FileToucher::kFiles, page, 1 + random() % 24), Error::None);
        if (random() % 16 == 0) { EXPECT_EQ(vm.audit(), 0u); }
        std::this_thread::yield();
    }
    for (std::thread& thread : threads) thread.join();
    for (const ProcessId process : processes) EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
    EXPECT_EQ(vm.call(kCpu0, server.process(), VmCall::Clearcache, {{0, FileServer::kDevice}}).outcome(), Error::None);
    server.end();
    EXPECT_EQ(vm.audit(), 0u);
}

// Fewer threads of the server than CPUs: some requests find one on their own CPU, others have to be offered around.
TEST(FileTorture, NoRequestIsForgotten) {
    constexpr unsigned kCpus = 4, kMaps = 300;
    Harness vm{{.cpus = kCpus}};
    FileServer server(vm, std::vector{kCpu2, CpuId::from(3), CpuId::from(3)}, FileServer::kFilePages);
    const ProcessId process = vm.create(kCpu0);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 2 * kCpus; ++i)
        threads.emplace_back([&, cpu = CpuId::from(i % kCpus), i] {
            for (unsigned map = 0; map < kMaps && !testing::Test::HasFailure(); ++map) {
                const uint64_t file = 1 + (i + map) % 5;
                const Message answer = vm.call(cpu, process, VmCall::MmapFile, {{0, 0, kPageSize, kProtectRead, kMapPrivate, file, 0}});
                ASSERT_EQ(answer.outcome(), Error::None);
                EXPECT_EQ(vm.read(cpu, process, VirtualAddress{answer.words[1]}).release(), FileServer::word_of(file, 0));
                EXPECT_EQ(vm.munmap(cpu, process, VirtualAddress{answer.words[1]}, kPageSize), Error::None);
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
    EXPECT_EQ(vm.call(kCpu0, server.process(), VmCall::Clearcache, {{0, FileServer::kDevice}}).outcome(), Error::None);
    server.end();
    EXPECT_EQ(vm.audit(), 0u);
}

}  // namespace
}  // namespace shoal::vm::test
