// Long blocks go by REP MOVSQ/STOSQ (fast-string operation, SDM vol. 1, 7.3.9.3), short ones by loads and stores that overlap
// in the middle. No vector registers: the kernel and the servers must not touch FPU state.
//
// Compiled with -fno-builtin: GCC would otherwise recognise the loops and call the very functions they define.
#include "base/memory/memory.h"

#include <cstdint>

namespace {

// Below this the start-up of a string instruction costs more than the loop.
constexpr size_t kStringThreshold = 128;

// Loads and stores at any address, of memory of any type.
using Word [[gnu::may_alias, gnu::aligned(1)]] = uint64_t;
using HalfWord [[gnu::may_alias, gnu::aligned(1)]] = uint32_t;

Word& word_at(void* base, size_t offset) {
    return *reinterpret_cast<Word*>(static_cast<char*>(base) + offset);
}
const Word& word_at(const void* base, size_t offset) {
    return *reinterpret_cast<const Word*>(static_cast<const char*>(base) + offset);
}
HalfWord& half_at(void* base, size_t offset) {
    return *reinterpret_cast<HalfWord*>(static_cast<char*>(base) + offset);
}
const HalfWord& half_at(const void* base, size_t offset) {
    return *reinterpret_cast<const HalfWord*>(static_cast<const char*>(base) + offset);
}

// Less than 8 bytes; everything is read before anything is written, so that overlap does no harm.
void copy_tiny(void* destination, const void* source, size_t bytes) {
    if (bytes >= 4) {
        const uint32_t first = half_at(source, 0), last = half_at(source, bytes - 4);
        half_at(destination, 0) = first;
        half_at(destination, bytes - 4) = last;
        return;
    }
    if (bytes == 0) return;
    auto* to = static_cast<unsigned char*>(destination);
    const auto* from = static_cast<const unsigned char*>(source);
    const unsigned char first = from[0], middle = from[bytes / 2], last = from[bytes - 1];
    to[0] = first, to[bytes / 2] = middle, to[bytes - 1] = last;
}

// At least 8 bytes, ascending. The last word is read first: an overlapping destination below the source may cover it.
void copy_up(void* destination, const void* source, size_t bytes) {
    const uint64_t last = word_at(source, bytes - 8);
    void* const end = static_cast<char*>(destination) + bytes - 8;
    if (bytes >= kStringThreshold) {
        size_t words = bytes / 8;
        asm volatile("rep movsq" : "+D"(destination), "+S"(source), "+c"(words) : : "memory");
    } else {
        for (size_t at = 0; at + 8 <= bytes; at += 8)
            word_at(destination, at) = word_at(source, at);
    }
    word_at(end, 0) = last;
}

// At least 8 bytes, descending, for a destination that overlaps the source from above.
void copy_down(void* destination, const void* source, size_t bytes) {
    const uint64_t first = word_at(source, 0);
    for (size_t at = bytes; at >= 8; at -= 8)
        word_at(destination, at - 8) = word_at(source, at - 8);
    word_at(destination, 0) = first;
}

}  // namespace

SHOAL_C_BEGIN

void* memcpy(void* destination, const void* source, size_t bytes) noexcept {
    if (bytes < 8)
        copy_tiny(destination, source, bytes);
    else
        copy_up(destination, source, bytes);
    return destination;
}

void* memmove(void* destination, const void* source, size_t bytes) noexcept {
    const uintptr_t distance =
        reinterpret_cast<uintptr_t>(destination) - reinterpret_cast<uintptr_t>(source);
    if (bytes < 8)
        copy_tiny(destination, source, bytes);
    else if (distance < bytes)
        copy_down(destination, source, bytes);
    else
        copy_up(destination, source, bytes);
    return destination;
}

void* memset(void* destination, int value, size_t bytes) noexcept {
    const uint64_t pattern = 0x0101'0101'0101'0101U * static_cast<unsigned char>(value);
    if (bytes < 8) {
        auto* to = static_cast<unsigned char*>(destination);
        for (size_t i = 0; i < bytes; ++i) to[i] = static_cast<unsigned char>(value);
        return destination;
    }
    word_at(destination, bytes - 8) = pattern;
    if (bytes >= kStringThreshold) {
        void* to = destination;
        size_t words = bytes / 8;
        asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    } else {
        for (size_t at = 0; at + 8 <= bytes; at += 8) word_at(destination, at) = pattern;
    }
    return destination;
}

int memcmp(const void* left, const void* right, size_t bytes) noexcept {
    size_t at = 0;
    while (at + 8 <= bytes && word_at(left, at) == word_at(right, at)) at += 8;
    const auto* a = static_cast<const unsigned char*>(left);
    const auto* b = static_cast<const unsigned char*>(right);
    for (; at < bytes; ++at)
        if (a[at] != b[at]) return a[at] < b[at] ? -1 : 1;
    return 0;
}

SHOAL_C_END
