// The pages that the threads fight over, and those of each of them, side by side in two leaves.
//
//     far below .. | fenced pages | border of two leaves | open pages | pages of thread 0, 1, .. 0, 1, ..
//
// Open pages are always mapped, to be read and written: threads access them themselves. Of fenced ones anybody may take the rights away; an access that
// must be able to fail is a copy by the kernel, by a grant to oneself.
#pragma once

#include "abi/memory.hpp"

namespace shoal::test {

inline constexpr uint64_t kBorder = (uint64_t{1} << 36) + kLeafSize;
inline constexpr uint32_t kFencedPages = 12, kOpenPages = 12, kFoughtOver = kFencedPages + kOpenPages, kOwnPages = 16;
inline constexpr uint64_t kFirst = kBorder - kFencedPages * kPageSize;
inline constexpr uint64_t kLong = 80 * kLeafSize;  // a range that VM changes in steps, marked meanwhile
inline constexpr uint64_t kReadWrite = kProtectRead | kProtectWrite;
inline constexpr uint64_t kMapping = kMapPrivate | kMapAnonymous | kMapFixed;
inline constexpr uint16_t kPlaceOfWord[] = {0, 1801, kPageSize - 1};

constexpr uint64_t address_of_page(uint32_t page) { return kFirst + page * kPageSize; }
constexpr uint64_t address_of_own(unsigned worker, unsigned workers, uint32_t page) {
    return address_of_page(kFoughtOver + page * workers + worker);
}
inline volatile uint8_t& byte_at(uint64_t page_address, unsigned word) {
    return *reinterpret_cast<volatile uint8_t*>(page_address + kPlaceOfWord[word]);
}

}  // namespace shoal::test
