// SplitMix64: small, and the same numbers from the same seed everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace shoal::test {

class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t next() {
        uint64_t z = state_ += 0x9e37'79b9'7f4a'7c15;
        z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
        z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
        return z ^ (z >> 31);
    }
    uint64_t below(uint64_t limit) { return next() % limit; }
    bool one_in(uint64_t chances) { return below(chances) == 0; }
    template <typename T>
    T pick(std::span<const T> choices) {
        return choices[below(choices.size())];
    }

  private:
    uint64_t state_;
};

}  // namespace shoal::test
