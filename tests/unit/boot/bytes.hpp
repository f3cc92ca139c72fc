// Bytes: builds what firmware would have written, and hands it out in a block of exactly its size, so that AddressSanitizer
// sees every read beyond the end.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "boot/decode/byte_view.hpp"

namespace shoal::boot::test {

class Bytes {
  public:
    template <typename T>
    Bytes& put(T value) {
        const auto* raw = reinterpret_cast<const uint8_t*>(&value);
        data_.insert(data_.end(), raw, raw + sizeof value);
        return *this;
    }
    Bytes& text(std::string_view characters) {
        data_.insert(data_.end(), characters.begin(), characters.end());
        return *this;
    }
    Bytes& zeros(size_t count) {
        data_.resize(data_.size() + count);
        return *this;
    }
    Bytes& append(const Bytes& other) {
        data_.insert(data_.end(), other.data_.begin(), other.data_.end());
        return *this;
    }
    Bytes& align(size_t alignment) {
        while (data_.size() % alignment != 0) data_.push_back(0);
        return *this;
    }
    template <typename T>
    Bytes& set(size_t offset, T value) {
        memcpy(data_.data() + offset, &value, sizeof value);
        return *this;
    }
    // Makes the sum of the first `bytes` zero by the byte at `at`.
    Bytes& fix_sum(size_t at, size_t bytes) {
        data_[at] = 0;
        const uint8_t sum = ByteView{data_.data(), bytes}.sum();
        data_[at] = static_cast<uint8_t>(0 - sum);
        return *this;
    }
    [[nodiscard]] size_t size() const { return data_.size(); }
    [[nodiscard]] const std::vector<uint8_t>& data() const { return data_; }

  private:
    std::vector<uint8_t> data_;
};

// A copy in a heap block of its own.
class Exact {
  public:
    explicit Exact(const std::vector<uint8_t>& data) : Exact(data, data.size()) {}
    Exact(const std::vector<uint8_t>& data, size_t bytes) : block_(new uint8_t[bytes]), size_(bytes) {
        if (bytes != 0) memcpy(block_.get(), data.data(), bytes);
    }
    [[nodiscard]] ByteView view() const { return {block_.get(), size_}; }

  private:
    std::unique_ptr<uint8_t[]> block_;
    size_t size_;
};

// An ACPI table: header, body, valid sum.
inline Bytes acpi_table(std::string_view signature, const Bytes& body) {
    Bytes table;
    table.text(signature).put(static_cast<uint32_t>(36 + body.size())).put(uint8_t{1}).put(uint8_t{0});
    table.zeros(26).append(body);
    return table.fix_sum(9, table.size());
}

// Calls visit(bytes) with every shorter prefix of `whole`, and with `rounds` copies of which some bytes are arbitrary.
template <typename Visit>
void with_damaged(const std::vector<uint8_t>& whole, unsigned rounds, uint64_t seed, Visit visit) {
    for (size_t bytes = 0; bytes < whole.size(); ++bytes) visit(Exact(whole, bytes).view());
    std::mt19937_64 random(seed);
    for (unsigned round = 0; round < rounds; ++round) {
        std::vector<uint8_t> damaged = whole;
        for (uint64_t changes = random() % 8 + 1; changes > 0; --changes)
            damaged[random() % damaged.size()] = static_cast<uint8_t>(random() % 4 == 0 ? 0xff : random());
        visit(Exact(damaged).view());
    }
}

// A seed for this run, printed for the next.
inline uint64_t new_seed() {
    const uint64_t seed = std::random_device{}();
    printf("seed %lu\n", seed);
    return seed;
}

}  // namespace shoal::boot::test
