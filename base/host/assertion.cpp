// On the host a failed assertion names its place and aborts, so that death tests can look at it.
#include <cstdio>
#include <cstdlib>

#include "base/assert.hpp"

namespace shoal {

void assertion_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
    std::abort();
}

}  // namespace shoal
