// A panic of code under test ends the test.
#include <cstdio>
#include <cstdlib>

#include "kernel/smp/panic/panic.hpp"

namespace shoal::smp {

void panic(const char* format, ...) {
    fprintf(stderr, "panic: %s\n", format);
    abort();
}

}  // namespace shoal::smp
