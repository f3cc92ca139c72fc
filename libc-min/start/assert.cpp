#include "base/assert.hpp"
#include "libc-min/include/assert.h"
#include "libc-min/include/stdio.h"
#include "libc-min/include/stdlib.h"

SHOAL_C_BEGIN

void shoal_assert_failed(const char* expression, const char* file, int line) {
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
    abort();
}

SHOAL_C_END

void shoal::assertion_failed(const char* expression, const char* file, int line) {
    SHOAL_C_NAME(shoal_assert_failed)(expression, file, line);
}
