// Several CPUs link, touch, copy, unmap and destroy at once, with frames reused the moment their flush is done. Every frame
// carries the name of the page it backs; a stale translation or a copy out of a reused frame reads a wrong name.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <thread>

#include "host_machine.hpp"
#include "kernel/core/space/user_copy.hpp"

namespace shoal::kernel::space::test {

namespace {

constexpr uint32_t kCpus = 4, kSpaces = 3, kPages = 16;  // slots 1..3; slot 0 is VM's

uint64_t name_of(uint32_t slot, uint16_t generation, unsigned page) {
    return uint64_t{slot} << 48 | uint64_t{generation} << 16 | page;
}
uint64_t& word(PhysicalAddress frame) { return *static_cast<uint64_t*>(machine::frame_pointer(frame)); }

// What VM keeps of one space: one leaf.
struct Leaf {
    std::shared_mutex threads;    // shared: a thread of the process runs; exclusive: all are stopped
    std::mutex lock;              // the leaf lock
    PhysicalAddress table;
    CpuSet cpus;
    uint16_t generation = 1;
    bool dead = false;
};

class Torture : public ::testing::TestWithParam<Tags> {
  protected:
    Torture() {
        EXPECT_EQ(m.pool.adopt(m.host(0).locks, m.area(0), AreaOrigin::Boot), Error::None);
        for (uint32_t slot = 1; slot <= kSpaces; ++slot) leaves[slot].table = m.frame();
        for (uint32_t cpu = 0; cpu < kCpus; ++cpu) m.on(cpu).adopt_fixed(SpaceSlot{0}, m.frame());
        for (unsigned i = 0; i < kSpaces * kPages + 4; ++i) free_frames.push_back(m.frame());
    }

    HostMachine m{kCpus, kSpaces + 1, GetParam(), 3};
    Leaf leaves[kSpaces + 1];
    std::mutex frames_lock;
    std::vector<PhysicalAddress> free_frames;
    std::atomic<uint64_t> unmapped{0}, destroyed{0}, wrong{0};
};

// One CPU: a kernel, a VM worker and the threads it runs.
class Player {
  public:
    Player(HostMachine& machine, Leaf* leaves, std::mutex& frames_lock, std::vector<PhysicalAddress>& frames, uint32_t cpu,
           uint64_t seed)
        : m_(machine), leaves_(leaves), frames_lock_(frames_lock), frames_(frames), cpu_(cpu), random_(seed) {}

    void settle() {
        m_.interrupt(cpu_);
        for (const Message& message : m_.host(cpu_).received) finish(message.words[1]);
        m_.host(cpu_).received.clear();
    }
    // True if the page had the right name, or was absent and is there now.
    bool touch() {
        const uint32_t slot = pick(kSpaces) + 1;
        const unsigned page = pick(kPages);
        Leaf& leaf = leaves_[slot];
        std::shared_lock running{leaf.threads, std::try_to_lock};
        if (!running || leaf.dead) return true;
        m_.on(cpu_).load(SpaceSlot{slot});
        // User mode for a while, no kernel entry: only an interrupt, which comes at the end, could flush.
        for (int look = 0; look < 2; ++look) {
            const PhysicalAddress found = m_.host(cpu_).tlb.translate(kBase + page * kPageSize, Access::Read);
            if (found.raw() == 0) break;
            if (word(found) != name_of(slot, leaf.generation, page)) return false;
            if (look == 1) return true;
            std::this_thread::yield();
        }
        m_.on(cpu_).load(SpaceSlot{0});
        fault(slot, page);
        return true;
    }
    bool copy_out() {
        const uint32_t slot = pick(kSpaces) + 1;
        const unsigned page = pick(kPages);
        Leaf& leaf = leaves_[slot];
        std::shared_lock running{leaf.threads, std::try_to_lock};
        if (!running || leaf.dead) return true;
        uint64_t value = 0;
        const CopyResult result = copy(m_.on(cpu_), CopyEnd::kernel(&value),
                                       CopyEnd::user(SpaceSlot{slot}, kBase + page * kPageSize), 8, kUnlimitedPieces);
        return result.outcome != CopyResult::Outcome::Copied || value == name_of(slot, leaf.generation, page);
    }
    void unmap() {
        const uint32_t slot = pick(kSpaces) + 1;
        const unsigned page = pick(kPages);
        Leaf& leaf = leaves_[slot];
        m_.on(cpu_).load(SpaceSlot{0});
        FlushBatch* batch = m_.on(cpu_).new_batch();
        if (batch == nullptr) return;
        CpuSet cpus;
        PhysicalAddress frame;
        {
            std::lock_guard guard{leaf.lock};
            frame = PageTable::at(leaf.table).load(page).address();
            HostMachine::set(leaf.table, page, 0);
            cpus = leaf.cpus;
        }
        if (frame.raw() == 0) return;
        send(*batch, pick(8) == 0 ? FlushKind::Unlink : FlushKind::Flush, slot, page, cpus, frame.raw());
    }
    // The process has stopped; its tables go, and its slot lives again when they are gone.
    void destroy() {
        const uint32_t slot = pick(kSpaces) + 1;
        Leaf& leaf = leaves_[slot];
        m_.on(cpu_).load(SpaceSlot{0});
        std::unique_lock stopped{leaf.threads, std::try_to_lock};
        FlushBatch* batch = m_.on(cpu_).new_batch();
        if (!stopped || leaf.dead || batch == nullptr) return;
        leaf.dead = true;
        m_.spaces[slot].closed.store(process(slot, leaf.generation).raw());
        stopped.unlock();  // none starts again: it is dead
        send(*batch, FlushKind::Destroy, slot, 0, CpuSet::first(kCpus), kDestroyed | slot);
    }
    [[nodiscard]] bool idle() const { return pending_ == 0; }
    uint32_t pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
    uint64_t destroyed = 0, unmapped = 0;

  private:
    static constexpr uint64_t kDestroyed = uint64_t{1} << 60;

    void send(FlushBatch& batch, FlushKind kind, uint32_t slot, unsigned page, const CpuSet& cpus, uint64_t cookie) {
        batch.kind = kind;
        batch.slot = SpaceSlot{slot};
        batch.count = 1;
        batch.ranges[0] = VirtualRange::of(kBase + page * kPageSize, kPageSize);
        batch.done.message.words[1] = cookie;
        ++pending_;
        if (m_.on(cpu_).post(batch, cpus)) finish(cookie);
    }
    void finish(uint64_t cookie) {
        --pending_;
        if ((cookie & kDestroyed) != 0) return reopen(static_cast<uint32_t>(cookie & 0xff));
        ++unmapped;
        recycle(PhysicalAddress{cookie});
    }
    void recycle(PhysicalAddress frame) {
        word(frame) = 0xdead;
        std::lock_guard guard{frames_lock_};
        frames_.push_back(frame);
    }
    void reopen(uint32_t slot) {
        Leaf& leaf = leaves_[slot];
        std::unique_lock stopped{leaf.threads, std::defer_lock};
        while (!stopped.try_lock()) std::this_thread::yield();  // its threads only try, so they are soon out
        std::lock_guard guard{leaf.lock};
        for (unsigned page = 0; page < kPages; ++page) {
            const PhysicalAddress frame = PageTable::at(leaf.table).load(page).address();
            HostMachine::set(leaf.table, page, 0);
            if (frame.raw() != 0) recycle(frame);
        }
        leaf.cpus = {};
        ++leaf.generation;
        leaf.dead = false;
        ++destroyed;
    }
    // VM's part of a fault, then Resume with a link.
    void fault(uint32_t slot, unsigned page) {
        Leaf& leaf = leaves_[slot];
        std::lock_guard guard{leaf.lock};
        if (!PageTable::at(leaf.table).load(page).present()) {
            PhysicalAddress frame;
            {
                std::lock_guard frames{frames_lock_};
                if (frames_.empty()) return;
                frame = frames_.back();
                frames_.pop_back();
            }
            word(frame) = name_of(slot, leaf.generation, page);
            HostMachine::set(leaf.table, page, frame.raw() | kUserEntry);
        }
        leaf.cpus.add(CpuId::from(cpu_));
        EXPECT_EQ(m_.on(cpu_).link(process(slot, leaf.generation), kBase, leaf.table), Error::None);
    }

    HostMachine& m_;
    Leaf* leaves_;
    std::mutex& frames_lock_;
    std::vector<PhysicalAddress>& frames_;
    const uint32_t cpu_;
    std::mt19937_64 random_;
    uint64_t pending_ = 0;
};

uint64_t seed() {
    const char* given = std::getenv("SHOAL_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
}

TEST_P(Torture, NoFrameIsReachedAfterItsFlushIsDone) {
    const uint64_t first_seed = seed();
    std::printf("SHOAL_SEED=%llu\n", static_cast<unsigned long long>(first_seed));
    constexpr int kRounds = 4'000;
    std::atomic<uint32_t> playing{kCpus};
    const auto play = [&](uint32_t cpu) {
        m.play(cpu);
        Player player{m, leaves, frames_lock, free_frames, cpu, first_seed + cpu};
        for (int round = 0; round < kRounds; ++round) {
            const uint32_t dice = player.pick(100);
            if (dice < 60) {
                wrong += player.touch() ? 0 : 1;
            } else if (dice < 75) {
                wrong += player.copy_out() ? 0 : 1;
            } else if (dice < 98) {
                player.unmap();
            } else {
                if (player.pick(8) == 0) player.destroy();
            }
            if (player.pick(3) == 0) player.settle();
        }
        while (!player.idle()) player.settle();
        for (--playing; playing != 0;) player.settle();  // the others still wait for us
        unmapped += player.unmapped;
        destroyed += player.destroyed;
    };
    std::vector<std::thread> threads;
    for (uint32_t cpu = 0; cpu < kCpus; ++cpu) threads.emplace_back(play, cpu);
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0u);
    EXPECT_GT(unmapped, 100u);
    EXPECT_GT(destroyed, 2u);
    std::printf("%llu unmapped, %llu destroyed\n", static_cast<unsigned long long>(unmapped.load()),
                static_cast<unsigned long long>(destroyed.load()));
    unsigned mapped = 0;
    for (Leaf& leaf : leaves)
        for (unsigned page = 0; leaf.table.raw() != 0 && page < kPages; ++page)
            mapped += PageTable::at(leaf.table).load(page).present() ? 1u : 0u;
    EXPECT_EQ(mapped + free_frames.size(), kSpaces * kPages + 4) << "no frame is lost";
}

INSTANTIATE_TEST_SUITE_P(Tags, Torture, ::testing::Values(Tags::Absent, Tags::Present),
                         [](const auto& test) { return test.param == Tags::Present ? "Tagged" : "Untagged"; });

}  // namespace

}  // namespace shoal::kernel::space::test
