// MemoryType: what the memory of a region is. An index, because nothing in the arena points to code; what it means: memory_types.hpp.
#pragma once

#include <cstdint>

namespace shoal::vm {

enum class MemoryType : uint8_t {
    Anonymous,   // anonymous.hpp
    Contiguous,  // contiguous.hpp
    Direct,      // direct.hpp
    Shared,      // shared.hpp
    Cache,       // cache.hpp
    File,        // file.hpp
};

}  // namespace shoal::vm
