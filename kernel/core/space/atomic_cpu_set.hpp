// A set of CPUs that several CPUs change. Each operation is one locked instruction on one word; wait-free.
#pragma once

#include <atomic>

#include "base/cpu.hpp"

namespace shoal::kernel::space {

class AtomicCpuSet {
  public:
    // True if cpu was not a member. Sequentially consistent: users build store-then-test protocols on it.
    bool add(CpuId cpu) { return (word(cpu).fetch_or(bit(cpu)) & bit(cpu)) == 0; }  // pairs with remove() and take()
    // True if cpu was a member.
    bool remove(CpuId cpu) { return (word(cpu).fetch_and(~bit(cpu)) & bit(cpu)) != 0; }  // pairs with add()
    [[nodiscard]] bool contains(CpuId cpu) const {
        return (words_[cpu.index() / 64].load(std::memory_order_acquire) & bit(cpu)) != 0;  // pairs with add(), assign()
    }
    [[nodiscard]] CpuSet read() const {
        CpuSet set;
        for (size_t i = 0; i < CpuSet::kWords; ++i) set.set_word(i, words_[i].load());  // pairs with add()
        return set;
    }
    // Empties the set and returns what was in it.
    CpuSet take() {
        CpuSet set;
        for (size_t i = 0; i < CpuSet::kWords; ++i)
            if (words_[i].load(std::memory_order_relaxed) != 0) set.set_word(i, words_[i].exchange(0));  // pairs with add()
        return set;
    }
    // Release: what was written before is visible to whoever finds itself a member (contains()).
    void assign(const CpuSet& set) {
        for (size_t i = 0; i < CpuSet::kWords; ++i)
            words_[i].store(set.word(i), std::memory_order_release);  // pairs with contains()
    }

  private:
    static constexpr uint64_t bit(CpuId cpu) { return uint64_t{1} << (cpu.index() % 64); }
    std::atomic<uint64_t>& word(CpuId cpu) { return words_[cpu.index() / 64]; }
    std::atomic<uint64_t> words_[CpuSet::kWords] = {};
};

}  // namespace shoal::kernel::space
