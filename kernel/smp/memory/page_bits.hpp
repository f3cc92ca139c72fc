// Bits of page-table entries (SDM vol. 3A, tables 4-15 to 4-20).
#pragma once

#include <cstdint>

namespace shoal::smp::memory {

enum PageBits : uint64_t {
    kPresent = 1 << 0,
    kWritable = 1 << 1,
    kUser = 1 << 2,
    kUncached = 1 << 4,  // PCD alone: UC- by the PAT's reset value (SDM vol. 3A, 12.12.4)
    kLarge = 1 << 7,     // in a directory or pointer table: maps memory
    kGlobal = 1 << 8,
    kNoExecute = uint64_t{1} << 63,
    kAddressBits = 0x000f'ffff'ffff'f000,
};

inline constexpr uint64_t kGiantSize = uint64_t{1} << 30;

}  // namespace shoal::smp::memory
