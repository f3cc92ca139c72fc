// The two ways in which a fault finds its page, for tests that let others overtake it.
#pragma once

#include <cstdint>

namespace shoal::vm::test {

// What tells the fault that it may have the page.
enum class By : uint8_t { Grant, Region };

}  // namespace shoal::vm::test
