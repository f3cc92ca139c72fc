// Bytes that firmware or loader wrote, and checked access to them. Nothing read through a ByteView lies outside of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace shoal::boot {

class ByteView {
  public:
    constexpr ByteView() = default;
    constexpr ByteView(const uint8_t* data, size_t size) : data_(data), size_(size) {}

    [[nodiscard]] constexpr const uint8_t* data() const { return data_; }
    [[nodiscard]] constexpr size_t size() const { return size_; }
    [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
    [[nodiscard]] constexpr bool has(size_t offset, size_t bytes) const {
        return offset <= size_ && bytes <= size_ - offset;
    }

    // The object at an offset, of any alignment; T{} where it does not lie within.
    template <typename T>
    [[nodiscard]] T read(size_t offset) const {
        static_assert(std::is_trivially_copyable_v<T>);
        T value{};
        if (has(offset, sizeof(T))) memcpy(&value, data_ + offset, sizeof(T));
        return value;
    }

    // The part from offset on, at most `bytes` long; cut where it would reach beyond the end.
    [[nodiscard]] constexpr ByteView part(size_t offset, size_t bytes = ~size_t{0}) const {
        if (offset >= size_) return {};
        const size_t rest = size_ - offset;
        return {data_ + offset, bytes < rest ? bytes : rest};
    }

    // The NUL-terminated text at an offset, or up to the end of the view; cut to fit. Returns false if cut.
    bool copy_text(size_t offset, char* buffer, size_t capacity) const {
        size_t length = 0;
        while (offset + length < size_ && data_[offset + length] != 0 && length + 1 < capacity) {
            buffer[length] = static_cast<char>(data_[offset + length]);
            ++length;
        }
        buffer[length] = '\0';
        return offset + length >= size_ || data_[offset + length] == 0;
    }

    // The sum of all bytes modulo 256: 0 for a valid ACPI table.
    [[nodiscard]] constexpr uint8_t sum() const {
        uint8_t total = 0;
        for (size_t i = 0; i < size_; ++i) total = static_cast<uint8_t>(total + data_[i]);
        return total;
    }

    // Whether the view begins with the characters of a literal.
    template <size_t size>
    [[nodiscard]] bool starts_with(const char (&text)[size]) const {
        return has(0, size - 1) && memcmp(data_, text, size - 1) == 0;
    }

  private:
    const uint8_t* data_ = nullptr;
    size_t size_ = 0;
};

}  // namespace shoal::boot
