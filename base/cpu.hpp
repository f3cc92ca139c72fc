// CPU numbers (dense, given by us; not APIC ids) and sets of them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "base/strong.hpp"

namespace shoal {

inline constexpr size_t kMaxCpus = 256;
inline constexpr size_t kCacheLine = 64;

class CpuId : public Strong<struct CpuIdTag, uint16_t> {
  public:
    using Strong::Strong;
    static constexpr CpuId from(size_t index) { return CpuId{static_cast<uint16_t>(index)}; }
    [[nodiscard]] constexpr size_t index() const { return raw(); }
};

// Four words; not atomic. Where several CPUs write one, its owner's lock or AtomicCpuSet protects it.
class CpuSet {
  public:
    static constexpr size_t kWords = kMaxCpus / 64;
    constexpr CpuSet() = default;
    static constexpr CpuSet only(CpuId cpu) {
        CpuSet set;
        set.add(cpu);
        return set;
    }
    static constexpr CpuSet first(size_t count) {
        CpuSet set;
        for (size_t i = 0; i < count; ++i) set.add(CpuId::from(i));
        return set;
    }
    constexpr void add(CpuId cpu) { words_[cpu.index() / 64] |= bit(cpu); }
    constexpr void remove(CpuId cpu) { words_[cpu.index() / 64] &= ~bit(cpu); }
    [[nodiscard]] constexpr bool contains(CpuId cpu) const {
        return (words_[cpu.index() / 64] & bit(cpu)) != 0;
    }
    [[nodiscard]] constexpr bool empty() const {
        return (words_[0] | words_[1] | words_[2] | words_[3]) == 0;
    }
    [[nodiscard]] constexpr bool is_only(CpuId cpu) const {
        return (words_[0] | words_[1] | words_[2] | words_[3]) == bit(cpu) && contains(cpu);
    }
    [[nodiscard]] constexpr size_t size() const {
        size_t n = 0;
        for (uint64_t word : words_) n += count_ones(word);
        return n;
    }
    constexpr CpuSet& operator|=(const CpuSet& other) {
        for (size_t i = 0; i < kWords; ++i) words_[i] |= other.words_[i];
        return *this;
    }
    constexpr CpuSet& operator&=(const CpuSet& other) {
        for (size_t i = 0; i < kWords; ++i) words_[i] &= other.words_[i];
        return *this;
    }
    constexpr bool operator==(const CpuSet&) const = default;
    [[nodiscard]] constexpr uint64_t word(size_t i) const { return words_[i]; }
    constexpr void set_word(size_t i, uint64_t value) { words_[i] = value; }

    // Calls visit(CpuId) for each member, lowest first.
    template <typename Visit>
    constexpr void for_each(Visit visit) const {
        for (size_t i = 0; i < kWords; ++i)
            for (uint64_t rest = words_[i]; rest != 0; rest &= rest - 1)
                visit(CpuId::from(i * 64 + static_cast<size_t>(std::countr_zero(rest))));
    }

  private:
    static constexpr uint64_t bit(CpuId cpu) { return uint64_t{1} << (cpu.index() % 64); }
    uint64_t words_[kWords] = {};
};

}  // namespace shoal
