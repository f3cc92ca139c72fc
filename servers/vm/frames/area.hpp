// Areas: 2 MiB of frames, as a bit map and a counter, both changed by single-word compare-and-swap only.
//
// Shape and protocol follow LLFree (Wrenger et al., USENIX ATC 2023), lower allocator.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/cpu.hpp"

namespace shoal::vm {

inline constexpr uint32_t kFramesPerArea = 512;

// Bit set: free. One line, written by takers and givers of this area.
class alignas(kCacheLine) AreaBits {
  public:
    static constexpr uint32_t kWords = kFramesPerArea / 64;

    // Takes up to `wanted` set bits into `taken` (indices in the area), whole aligned groups of 16 before single ones.
    // May return fewer, even 0, where others interfere.
    uint32_t take_some(uint16_t* taken, uint32_t wanted);
    // Takes 2^order set bits, aligned, order <= 6; -1 if there is no such run.
    int take_aligned(unsigned order);
    // Takes exactly [first, first + count) or nothing.
    bool take_exact(uint32_t first, uint32_t count);
    void give(uint32_t first, uint32_t count);
    // Sets the bits in mask, all of which must be clear.
    void give_word(uint32_t word, uint64_t mask);
    // Of an area taken whole, by its taker.
    void clear();
    [[nodiscard]] uint32_t count_free() const;
    enum class State : uint8_t { Taken, Free };
    // The first index at or behind `from` in this state, or kFramesPerArea. A hint: others take and give.
    [[nodiscard]] uint32_t next(uint32_t from, State state) const;
    [[nodiscard]] bool free(uint32_t index) const {
        return (words_[index / 64].load(std::memory_order_relaxed) >> (index % 64) & 1) != 0;
    }

  private:
    std::atomic<uint64_t> words_[kWords] = {};
};
static_assert(sizeof(AreaBits) == kCacheLine);

// Frames of the area that are free and promised to nobody. Who lowers it by n may take n bits, and will find them.
class AreaCount {
  public:
    // Lowers by min(wanted, free); the number by which it did.
    uint32_t promise(uint32_t wanted);
    // Lowers by exactly n, or not at all.
    bool promise_exactly(uint32_t n);
    // All 512 at once; the bits stay set meanwhile.
    bool take_whole();
    void give_whole();
    // From whole to 512 frames in use, by the taker, after the bits have been cleared.
    void split();
    // After the bits have been set.
    void give(uint32_t n);
    [[nodiscard]] uint32_t free() const {
        const uint32_t word = word_.load(std::memory_order_relaxed);
        return word == kWhole ? 0 : word;
    }
    [[nodiscard]] bool whole() const { return word_.load(std::memory_order_relaxed) == kWhole; }
    // Recovery only: nobody else runs.
    void recount(uint32_t free) { word_.store(free, std::memory_order_relaxed); }

  private:
    static constexpr uint32_t kWhole = 1u << 16;
    std::atomic<uint32_t> word_{0};
};

}  // namespace shoal::vm
