#include "servers/vm/frames/area.hpp"

#include <bit>

#include "base/assert.hpp"
#include "base/bits.hpp"

namespace shoal::vm {
namespace {

constexpr uint32_t kGroup = 16;

// Set bits of `word` that form whole aligned groups of 16, at most `wanted` bits.
uint64_t whole_groups(uint64_t word, uint32_t wanted) {
    uint64_t chosen = 0;
    for (uint32_t shift = 0; shift < 64 && wanted >= kGroup; shift += kGroup) {
        const uint64_t group = uint64_t{0xffff} << shift;
        if ((word & group) != group) continue;
        chosen |= group;
        wanted -= kGroup;
    }
    return chosen;
}

// The lowest `wanted` set bits of `word`.
uint64_t lowest_bits(uint64_t word, uint32_t wanted) {
    uint64_t chosen = 0;
    for (; word != 0 && wanted > 0; word &= word - 1, --wanted) chosen |= word & (~word + 1);
    return chosen;
}

constexpr uint64_t ones(uint32_t count) {
    return count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
}

// The part of [first, first + count) that lies in a word.
uint64_t mask_in_word(uint32_t word, uint32_t first, uint32_t count) {
    const uint32_t start = word * 64, end = start + 64, last = first + count;
    const uint32_t from = first > start ? first : start, to = last < end ? last : end;
    return from >= to ? 0 : ones(to - from) << (from - start);
}

template <typename Choose>
uint64_t take_from_word(std::atomic<uint64_t>& word, Choose choose) {
    uint64_t seen = word.load(std::memory_order_relaxed);
    for (;;) {
        const uint64_t chosen = choose(seen);
        if (chosen == 0) return 0;
        // acquire pairs with give_word(): what the last user wrote to the frames comes before us
        if (word.compare_exchange_weak(seen, seen & ~chosen, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
            return chosen;
        }
    }
}

}  // namespace

uint32_t AreaBits::take_some(uint16_t* taken, uint32_t wanted) {
    uint32_t count = 0;
    for (auto* choose : {whole_groups, lowest_bits}) {
        for (uint32_t i = 0; i < kWords && count < wanted; ++i) {
            uint64_t bits = take_from_word(
                words_[i], [&](uint64_t seen) { return choose(seen, wanted - count); });
            for (; bits != 0; bits &= bits - 1) {
                taken[count++] =
                    static_cast<uint16_t>(i * 64 + static_cast<uint32_t>(std::countr_zero(bits)));
            }
        }
    }
    return count;
}

int AreaBits::take_aligned(unsigned order) {
    SHOAL_ASSERT(order <= 6);
    const uint32_t size = 1u << order;
    const auto choose = [size](uint64_t seen) -> uint64_t {
        for (uint32_t shift = 0; shift < 64; shift += size) {
            const uint64_t run = ones(size) << shift;
            if ((seen & run) == run) return run;
        }
        return 0;
    };
    for (uint32_t i = 0; i < kWords; ++i) {
        const uint64_t run = take_from_word(words_[i], choose);
        if (run != 0)
            return static_cast<int>(i * 64 + static_cast<uint32_t>(std::countr_zero(run)));
    }
    return -1;
}

bool AreaBits::take_exact(uint32_t first, uint32_t count) {
    for (uint32_t i = first / 64; i * 64 < first + count; ++i) {
        const uint64_t mask = mask_in_word(i, first, count);
        const auto choose = [mask](uint64_t seen) { return (seen & mask) == mask ? mask : 0; };
        if (take_from_word(words_[i], choose) != 0) continue;
        const uint32_t before = i * 64 > first ? i * 64 - first : 0;
        if (before > 0) give(first, before);
        return false;
    }
    return true;
}

void AreaBits::give(uint32_t first, uint32_t count) {
    for (uint32_t i = first / 64; i * 64 < first + count; ++i)
        give_word(i, mask_in_word(i, first, count));
}

void AreaBits::give_word(uint32_t word, uint64_t mask) {
    // release pairs with take_from_word()
    const uint64_t before = words_[word].fetch_or(mask, std::memory_order_release);
    SHOAL_CHECK((before & mask) == 0 && "frame freed twice");
}

void AreaBits::clear() {
    for (auto& word : words_) word.store(0, std::memory_order_relaxed);
}

uint32_t AreaBits::count_free() const {
    uint32_t count = 0;
    for (const auto& word : words_) count += count_ones(word.load(std::memory_order_relaxed));
    return count;
}

uint32_t AreaBits::next(uint32_t from, State state) const {
    for (uint32_t at = from; at < kFramesPerArea; at = (at / 64 + 1) * 64) {
        uint64_t word = words_[at / 64].load(std::memory_order_relaxed);
        if (state == State::Taken) word = ~word;
        word &= ~uint64_t{0} << (at % 64);
        if (word != 0) return at / 64 * 64 + static_cast<uint32_t>(std::countr_zero(word));
    }
    return kFramesPerArea;
}

uint32_t AreaCount::promise(uint32_t wanted) {
    uint32_t seen = word_.load(std::memory_order_relaxed);
    for (;;) {
        if (seen == kWhole || seen == 0) return 0;
        const uint32_t n = seen < wanted ? seen : wanted;
        // acquire pairs with give(): the bits are set before the count says so
        if (word_.compare_exchange_weak(seen, seen - n, std::memory_order_acquire,
                                        std::memory_order_relaxed))
            return n;
    }
}

bool AreaCount::promise_exactly(uint32_t n) {
    uint32_t seen = word_.load(std::memory_order_relaxed);
    for (;;) {
        if (seen == kWhole || seen < n) return false;
        // acquire pairs with give()
        if (word_.compare_exchange_weak(seen, seen - n, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
            return true;
        }
    }
}

bool AreaCount::take_whole() {
    uint32_t expected = kFramesPerArea;
    // acquire pairs with give() and give_whole()
    return word_.compare_exchange_strong(expected, kWhole, std::memory_order_acquire,
                                         std::memory_order_relaxed);
}

void AreaCount::give_whole() {
    SHOAL_CHECK(whole() && "area freed that was not taken whole");
    word_.store(kFramesPerArea,
                std::memory_order_release);  // pairs with promise() and take_whole()
}

void AreaCount::split() {
    word_.store(
        0,
        std::memory_order_release);  // pairs with promise(): the bits are clear before others look
}

void AreaCount::give(uint32_t n) {
    // release pairs with promise(): our bits first
    const uint32_t before = word_.fetch_add(n, std::memory_order_release);
    SHOAL_CHECK(before + n <= kFramesPerArea);
}

}  // namespace shoal::vm
