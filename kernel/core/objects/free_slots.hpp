// FreeSlots: what is free of one of the tables. Each CPU keeps a few slots at hand, which it takes and gives back without a line in common with
// other CPUs; it exchanges batches with what they all have, and takes a slot of another CPU when nothing else is left.
//
// Oldest first, in each of these lists, so that a name stays unused for long. Magazines before a depot, as in Bonwick and Adams, "Magazines and
// Vmem" (USENIX 2001), under locks: a CPU's own is contended only where slots run out.
#pragma once

#include "base/lock/guard.hpp"
#include "kernel/core/cpu.hpp"
#include "kernel/core/objects/tables.hpp"

namespace shoal::kernel {

template <typename Slot, ListHook Slot::*kHook>
class FreeSlots {
  public:
    // At the start, before any is taken.
    void add(Cpu& cpu, Slot& slot) {
        Guard guard{cpu.locks, common_.lock};
        common_.slots.push_back(slot);
    }
    // At boot, while no CPU has any at hand.
    void take_this(Cpu& cpu, Slot& slot) {
        Guard guard{cpu.locks, common_.lock};
        common_.slots.remove(slot);
        count(cpu, 1);
    }

    // nullptr: none is free. Other locks of the rank must not be held.
    Slot* take(Cpu& cpu) {
        Slot* slot = take_own(cpu);
        for (size_t i = 0; slot == nullptr && i < tables.cpus.size(); ++i) slot = take_from(cpu, at_hand_[i]);
        if (slot != nullptr) count(cpu, 1);
        return slot;
    }
    void give(Cpu& cpu, Slot& slot) {
        AtHand& own = at_hand_[cpu.id.index()];
        count(cpu, -1);
        Guard guard{cpu.locks, own.lock};
        own.slots.push_back(slot);
        if (own.slots.size() < 2 * kBatch) return;
        Guard common_guard{guard.token(), common_.lock};
        for (size_t i = 0; i < kBatch; ++i) common_.slots.push_back(*own.slots.pop_front());
    }

    // How many are taken; an estimate while others take some and give some back.
    [[nodiscard]] uint32_t in_use() const {
        int64_t found = 0;
        for (size_t i = 0; i < tables.cpus.size(); ++i) found += at_hand_[i].taken.load(std::memory_order_relaxed);
        return static_cast<uint32_t>(found);
    }

  private:
    static constexpr size_t kBatch = 8;

    struct alignas(kCacheLine) AtHand {
        SpinLock<KernelRank::SlotsAtHand> lock;
        List<Slot, kHook> slots GUARDED_BY(lock);
        std::atomic<int64_t> taken{0};  // by this CPU, which alone writes it, less what it has given back
    };
    struct alignas(kCacheLine) Common {
        SpinLock<KernelRank::FreeSlots> lock;
        List<Slot, kHook> slots GUARDED_BY(lock);
    };

    Slot* take_own(Cpu& cpu) {
        AtHand& own = at_hand_[cpu.id.index()];
        Guard guard{cpu.locks, own.lock};
        if (own.slots.empty()) {
            Guard common_guard{guard.token(), common_.lock};
            while (own.slots.size() < kBatch && !common_.slots.empty()) own.slots.push_back(*common_.slots.pop_front());
        }
        return own.slots.pop_front();
    }
    void count(const Cpu& cpu, int64_t more) {
        std::atomic<int64_t>& taken = at_hand_[cpu.id.index()].taken;
        taken.store(taken.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }
    static Slot* take_from(Cpu& cpu, AtHand& other) {
        Guard guard{cpu.locks, other.lock};
        return other.slots.pop_front();
    }

    Common common_;
    AtHand at_hand_[kMaxCpus];
};

}  // namespace shoal::kernel
