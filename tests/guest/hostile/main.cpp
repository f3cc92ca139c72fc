// hostile: several processes attack kernel, VM, PM and RS at once with random and malicious calls; the system must go on serving.
//     count=N  traps in all (1,000,000)    seed=N    processes=N  at a time (two for each CPU)
//
// An attacker may end itself or wait for ever; a watcher replaces the ended and kills those that make no progress.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <new>

#include "base/address.hpp"
#include "base/cpu.hpp"
#include "libc-min/process.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/arguments.hpp"
#include "tests/guest/hostile/attacker.hpp"
#include "tests/guest/verdict.hpp"

namespace {

using shoal::EndedChild;
using shoal::Endpoint;
using shoal::Error;
using shoal::kPageSize;
using shoal::Result;

constexpr uint64_t kMaxProcesses = 64;
constexpr uint64_t kBatch = 20'000;  // traps of one process, then a fresh one with another seed
constexpr unsigned kPatience = 100;  // looks without progress
constexpr unsigned kLookMicroseconds = 10'000;

// A page that an attacker shares with the watcher; an attacker that writes nonsense there only cheats itself.
struct Progress {
    std::atomic<uint64_t> traps;
};

int attack(uint64_t seed, uint64_t traps, uint64_t progress_address) {
    auto* progress = reinterpret_cast<Progress*>(progress_address);
    shoal::test::Attacker attacker(seed);
    for (uint64_t i = 1; i <= traps; ++i) {
        attacker.attack();
        progress->traps.store(i, std::memory_order_relaxed);
    }
    return 0;
}

class Watcher {
  public:
    Watcher(uint64_t seed, uint64_t count, uint64_t processes)
        : seed_(seed), count_(count), processes_(processes) {}

    bool run(shoal::test::Verdict& verdict) {
        for (uint64_t i = 0; i < processes_; ++i)
            if (!prepare(posts_[i]) || !start(posts_[i])) {
                verdict.fail("an attacker did not start");
                return false;
            }
        while (done_ < count_) {
            usleep(kLookMicroseconds);
            if (!collect()) {
                verdict.fail("an attacker could not be replaced after %lu traps", done_);
                return false;
            }
            look_for_the_stuck();
        }
        stop();
        printf("hostile: %lu traps by %lu processes, %lu killed where they waited\n", done_,
               started_, killed_);
        return true;
    }

  private:
    struct Post {
        Progress* progress;
        Endpoint process = shoal::kNone;
        uint64_t seen = 0;
        unsigned looks = 0;
    };

    static bool prepare(Post& post) {
        void* page = mmap(nullptr, kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) return false;
        post.progress = new (page) Progress;
        return true;
    }

    bool start(Post& post) {
        post.progress->traps.store(0, std::memory_order_relaxed);
        post.seen = post.looks = 0;
        char seed[40], traps[40], progress[40];
        snprintf(seed, sizeof seed, "seed=%lu", seed_ + started_++);
        snprintf(traps, sizeof traps, "traps=%lu", kBatch);
        snprintf(progress, sizeof progress, "progress=%p", static_cast<void*>(post.progress));
        const char* const arguments[] = {"hostile", seed, traps, progress};
        const shoal::VirtualRange shared = shoal::VirtualRange::of(
            shoal::VirtualAddress{reinterpret_cast<uint64_t>(post.progress)}, kPageSize);
        shoal::SpawnOptions options;
        options.name = "hostile";
        options.arguments = arguments;
        options.shares = {&shared, 1};
        const Result<Endpoint> process = shoal::spawn(options);
        if (process.ok()) post.process = process.value();
        return process.ok();
    }

    bool collect() {
        for (;;) {
            const Result<EndedChild> ended = shoal::wait_child(shoal::kAny, shoal::WaitMode::Poll);
            if (!ended.ok()) return true;
            for (Post& post : posts_) {
                if (post.process != ended.value().child) continue;
                const uint64_t traps = post.progress->traps.load(std::memory_order_relaxed);
                done_ += traps < kBatch ? traps : kBatch;
                post.process = shoal::kNone;
                if (done_ < count_ && !start(post)) return false;
            }
        }
    }

    void look_for_the_stuck() {
        for (Post& post : posts_) {
            if (post.process == shoal::kNone) continue;
            const uint64_t traps = post.progress->traps.load(std::memory_order_relaxed);
            post.looks = traps == post.seen ? post.looks + 1 : 0;
            post.seen = traps;
            if (post.looks != kPatience) continue;
            (void)shoal::kill_child(post.process);
            ++killed_;
        }
    }

    void stop() {
        for (Post& post : posts_) {
            if (post.process == shoal::kNone) continue;
            (void)shoal::kill_child(post.process);
            (void)shoal::wait_child(post.process);
            post.process = shoal::kNone;
        }
    }

    uint64_t seed_, count_, processes_;
    uint64_t started_ = 0, done_ = 0, killed_ = 0;
    Post posts_[kMaxProcesses];
};

// Whether an honest program still gets what it asks for.
void expect_service(shoal::test::Verdict& verdict) {
    const char* const arguments[] = {"hostile", "exit"};
    shoal::SpawnOptions options;
    options.name = "hostile";
    options.arguments = arguments;
    const Result<Endpoint> child = shoal::spawn(options);
    const bool served = child.ok() && shoal::wait_child(child.value()).ok();
    if (!served) verdict.fail("no more processes");
    constexpr size_t kBytes = size_t{4} << 20;
    auto* memory = static_cast<char*>(calloc(kBytes, 1));
    if (memory == nullptr) return verdict.fail("no more memory");
    for (size_t i = 0; i < kBytes; i += kPageSize) memory[i] = 1;
    free(memory);
}

}  // namespace

int main(int argument_count, char** arguments) {
    using shoal::test::number_argument;
    if (argument_count == 2 && strcmp(arguments[1], "exit") == 0) return 0;
    const uint64_t progress = number_argument(argument_count, arguments, "progress", 0);
    const shoal::KernelInfo facts = shoal::kernel_facts();
    const uint64_t seed = number_argument(argument_count, arguments, "seed", facts.self.raw());
    if (progress != 0)
        return attack(seed, number_argument(argument_count, arguments, "traps", 0), progress);

    const uint64_t count = number_argument(argument_count, arguments, "count", 1'000'000);
    uint64_t processes =
        number_argument(argument_count, arguments, "processes", uint64_t{2} * facts.cpus);
    if (processes == 0 || processes > kMaxProcesses) processes = kMaxProcesses;
    printf("hostile: seed=%lu count=%lu processes=%lu\n", seed, count, processes);
    shoal::test::Verdict verdict("hostile");
    static Watcher watcher(seed, count, processes);
    if (watcher.run(verdict)) expect_service(verdict);
    return verdict.finish();
}
